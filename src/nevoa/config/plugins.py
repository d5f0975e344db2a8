"""Plugins: Python code that registers networks when it is imported.

A plugin is a file, as in `nevoa train --plugin FILE.py`, or a module or function that an installed package lists under
the entry point group `nevoa.plugins`. Names in config files or run folders are never imported.
"""

import sys
from collections.abc import Iterable
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

from nevoa.errors import NevoaError, reason

GROUP = "nevoa.plugins"
# Those that the command in this process named.
_files: list[Path] = []


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
    # Not needed by most commands, and slow to import.
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP):
        try:
            plugin = entry.load()
            if callable(plugin):
                plugin()
        except (Exception, SystemExit) as error:
            raise _failed(f"installed plugin '{entry.name}' ({entry.value})", error) from error


def _import_file(name: str, file: Path) -> None:
    loader = SourceFileLoader(name, str(file))
    spec = spec_from_loader(name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    # Before it runs, as the import system does: dataclasses and pydantic look their module up by name.
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _failed(f"plugin {file}", error) from error


def _failed(plugin: str, error: BaseException) -> NevoaError:
    return NevoaError(f"The {plugin} failed to import: {type(error).__name__}: {reason(error).rstrip('.')}.")
