"""`nevoa` without a command, and `nevoa --version`."""

import platform
import re
import sys
from contextlib import suppress
from pathlib import Path

from nevoa.version import __version__

# Extras that no user needs.
FOR_DEVELOPERS = re.compile("extra == .(test|docs|release).")
NAME = re.compile(r"[\w.-]+")
FIRST = """\
nevoa trains denoising diffusion models on small images, and makes new ones. The first things to type:

  nevoa sample emoji --prompt "red heart"      make images with a model that comes with nevoa, in seconds
  nevoa train photos/ --preset photos          learn from the pictures in a folder, in half an hour
  nevoa studio                                 the same on a page in the browser: pip install 'nevoa[studio]'

nevoa --help lists all commands, and nevoa train --help what one of them can do."""


def print_first_steps() -> None:
    """Print the first things to type."""
    print(FIRST)


def show_version(*, verbose: bool = False) -> None:
    """Display the version of nevoa.

    Args:
        verbose: Also display the versions of Python and of packages, the processor and the devices: paste them into a
            report of a defect.
    """
    print(f"nevoa {__version__}")
    if verbose:
        for name, value in _environment().items():
            print(f"{name:16} {value}")


def _environment() -> dict[str, str]:
    """Return the facts that a report of a defect needs: versions, the machine and its devices."""
    from nevoa.parallel.device import devices
    from nevoa.parallel.machine import machine

    about = machine()
    return {
        "python": f"{platform.python_version()}, {sys.executable}",
        "folder": str(Path(__file__).parents[1]),
        "system": platform.platform(),
        "processor": "{cpu}, {instructions}, {cores} cores, {threads} threads".format_map(about),
        "devices": ", ".join(devices()),
        **_packages(),
    }


def _packages() -> dict[str, str]:
    """Return the versions of the installed packages that nevoa and its extras for users need."""
    from importlib.metadata import PackageNotFoundError, requires, version

    found = {}
    with suppress(PackageNotFoundError):  # from a checkout that is not installed
        for needed in requires("nevoa") or ():
            if not FOR_DEVELOPERS.search(needed):
                name = NAME.findall(needed)[0]
                with suppress(PackageNotFoundError):
                    found[name] = version(name)
    return found
