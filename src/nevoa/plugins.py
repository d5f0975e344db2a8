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
from typing import Any

from nevoa.errors import NevoaError, reason

GROUP = "nevoa.plugins"
# Of the names under which files are imported.
PREFIX = "nevoa plugin "


def load_plugins(files: Iterable[Path]) -> None:
    """Import plugin files, each once per process. Raise a NevoaError if one is missing or fails to import."""
    for file in files:
        if not file.is_file():
            raise NevoaError(f"There is no plugin file {file}.")
        if (name := f"{PREFIX}{file.resolve()}") not in sys.modules:
            _import_file(name, file)


def loaded_files() -> list[str]:
    """The files that `load_plugins` has imported, as they were named."""
    plugins: list[Any] = [module for name, module in sys.modules.items() if name.startswith(PREFIX)]
    return [plugin.__spec__.loader.path for plugin in plugins]


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
