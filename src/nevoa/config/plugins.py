"""Plugins: Python code that registers parts (`nevoa.register`) when it is imported.

A plugin is a file, as in `nevoa train --plugin FILE.py`, or a module or function that an installed package lists under
the entry point group `nevoa.plugins`. Names in config files or run folders are never imported.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

from nevoa.errors import NevoaError, reason

GROUP, INSTALLED = "nevoa.plugins", "installed plugin"
# Those that the command in this process named.
_files: list[Path] = []
# The plugins that are being loaded, as errors name them, the innermost last.
_loading: list[str] = []


def origin() -> str:
    """Return the plugin that is being loaded; "" if none is."""
    return _loading[-1] if _loading else ""


def load_plugins(files: Iterable[Path]) -> None:
    """Import the plugin files of a command, once per process. A NevoaError if one is missing or does not import."""
    _files[:] = files
    for file in _files:
        if not file.is_file():
            raise NevoaError(f"There is no plugin file {file}.")
        if (name := f"nevoa plugin {file.resolve()}") not in sys.modules:
            _import_file(name, file)


def loaded_files() -> list[str]:
    """The files of the last `load_plugins`, as they were named."""
    return list(map(str, _files))


@cache
def load_installed() -> None:
    """Load the entry points of the group `nevoa.plugins`. Raise a NevoaError if one fails."""
    if origin().startswith(INSTALLED):  # it looks for a name while it is loaded
        return
    # Not needed by most commands, and slow to import.
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP):
        with _loaded(f"{INSTALLED} '{entry.name}' ({entry.value})"):
            plugin = entry.load()
            if callable(plugin):
                plugin()


def _import_file(name: str, file: Path) -> None:
    loader = SourceFileLoader(name, str(file))
    spec = spec_from_loader(name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    # Before it runs, as the import system does: dataclasses and pydantic look their module up by name.
    sys.modules[name] = module
    try:
        with _loaded(f"plugin {file}"):
            loader.exec_module(module)
    except NevoaError:
        del sys.modules[name]
        raise


@contextmanager
def _loaded(plugin: str) -> Iterator[None]:
    """Within the block, what is registered comes from this plugin, and any error says that it failed."""
    _loading.append(plugin)
    try:
        yield
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {reason(error).rstrip('.')}"
        raise NevoaError(f"The {plugin} failed to import: {why}.") from error
    finally:
        _loading.pop()
