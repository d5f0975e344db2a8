"""A config as TOML: the file config.toml of a run, and what `--config` reads."""

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomli_w

from nevoa._util.files import damaged, read_text
from nevoa.config import Config, parse
from nevoa.errors import NevoaError

FORMAT = 1


def to_toml(config: Config, about: Mapping[str, Any] | None = None) -> str:
    """Return the config as TOML, without the keys that are None.

    Args:
        about: written as the table `made_with`, which `read_toml` ignores: versions, changes on the way.
    """
    tables = {"format": FORMAT} | config.model_dump(mode="json", exclude_none=True)
    return tomli_w.dumps(tables | ({"made_with": about} if about else {}))


def read_toml(path: Path, parts: bool = True) -> Config:
    """Return the config in a file. Raise a NevoaError if it is missing, damaged or of another format or version.

    Args:
        parts: False leaves out the network and checks no names, which a plugin that is not loaded may have registered.
    """
    text = read_text(path)
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    # Files of the first format may lack the key.
    if (found := values.pop("format", 1)) != FORMAT:
        raise NevoaError(f"{path} has format {found}; this nevoa reads {FORMAT}.")
    for left_out in ("made_with", *(() if parts else ("network",))):
        values.pop(left_out, None)
    return parse(values, parts)


def made_with(path: Path) -> dict[str, Any]:
    """Return the table `made_with` of a config file; empty without one, or if the file cannot be read."""
    with suppress(NevoaError, ValueError):
        return tomllib.loads(read_text(path)).get("made_with", {})
    return {}
