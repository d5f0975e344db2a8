"""A config or a plan as TOML: the files config.toml and plan.toml of a run."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from nevoa._util.files import damaged, read_text
from nevoa._util.versions import check_format
from nevoa.config.network import Section
from nevoa.config.registry import UnregisteredError
from nevoa.config.sections import parse
from nevoa.errors import NevoaError

FORMAT = 2
OLDER = (
    "The model of an older run still opens: make images with 'nevoa sample RUN', or train it further with 'nevoa train "
    "SOURCE --from RUN'."
)
AnySection = TypeVar("AnySection", bound=Section)


def to_toml(section: Section) -> str:
    """Return a config or plan as TOML, without the keys that are None."""
    return tomli_w.dumps({"format": FORMAT} | section.model_dump(mode="json", exclude_none=True))


def read_toml(path: Path, kind: type[AnySection]) -> AnySection:
    """Return the config or plan in a file. Raise a NevoaError if it is missing, damaged or of another format."""
    return parse_file(path, read_tables(path), kind)


def parse_file(path: Path, values: Mapping[str, Any], kind: type[AnySection]) -> AnySection:
    """Return the config or plan of tables from a file, which errors name."""
    try:
        return parse(values, kind)
    except UnregisteredError:
        raise
    except NevoaError as error:
        raise NevoaError(f"{path}: {error}") from error


def read_tables(path: Path) -> dict[str, Any]:
    """Return what such a file says, unchecked: a plugin that is not loaded may have registered what it names."""
    text = read_text(path)
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    check_format(path, values.pop("format", FORMAT), FORMAT, older=OLDER)
    return values


def value_of(text: str) -> Any:
    """Return the value that a user typed; what is not TOML is text.

    Example:
        >>> value_of("0.5"), value_of("[1, 2]"), value_of("a cat")
        (0.5, [1, 2], 'a cat')
    """
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
