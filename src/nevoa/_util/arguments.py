"""Arguments of a caller, of numpy or torch perhaps, as values of plain Python; imports neither."""

import csv
import inspect
import io
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, SupportsIndex, runtime_checkable

from nevoa.errors import NevoaError

LARGEST_SEED = 2**63 - 1


@runtime_checkable
class Array(Protocol):
    """An array or number of numpy, torch or another package."""

    def tolist(self) -> Any:
        """Return it as a number, a text or a list."""
        ...


# One class or several, by index or name.
Classes = SupportsIndex | str | Sequence[SupportsIndex | str] | Array
# What a user asks of an image without the name of its kind: a prompt, tags or a class.
Spoken = SupportsIndex | str | Sequence[str]


def to_python(value: Any) -> Any:
    """Return a number, text or array of numpy or torch as Python's, and a list or range as a tuple."""
    if isinstance(value, Array):
        value = value.tolist()
    return tuple(map(to_python, value)) if type(value) in (list, tuple, range) else value


def one_or_more(value: Any) -> Any:
    """Return `to_python(value)`, with one name or number as a tuple of one."""
    value = to_python(value)
    return (value,) if isinstance(value, str | int) else value


def whole(name: str, value: Any, least: int = 0, most: int = LARGEST_SEED) -> int:
    """Return a whole number. A NevoaError names the argument if it is something else or out of range."""
    number = to_python(value)
    if type(number) is not int or not least <= number <= most:
        raise NevoaError(f"{name} must be a whole number from {least:,} to {most:,}, not {value!r:.60}.")
    return number


def share(name: str, value: Any) -> float:
    """Return a number above 0, up to 1. A NevoaError names the argument if it is something else."""
    number = to_python(value)
    if type(number) not in (int, float) or not 0 < number <= 1:
        raise NevoaError(f"{name} must be above 0 and at most 1, not {value!r:.60}.")
    return float(number)


def sides_in(value: Any) -> Any:
    """Return the side in the text `64`, or height and width in `30x50`. A ValueError for another text; others stay."""
    if not isinstance(value, str):
        return value
    sides = [int(side) if side.strip().isdecimal() else None for side in value.lower().split("x")]
    match sides:
        case [int(side)]:
            return side
        case [int(height), int(width)]:
            return height, width
    raise ValueError("Input should be a side or HEIGHTxWIDTH, such as 64 or 30x50")


def yes_or_no(name: str, value: Any) -> bool:
    """Return a truth value. A NevoaError names the argument if it is something else, such as "no"."""
    found = to_python(value)
    if not isinstance(found, bool):
        raise NevoaError(f"{name} must be True or False, not {value!r:.60}.")
    return found


def path_of(name: str, value: Any) -> Path:
    """Return the path that an argument names. A NevoaError names the argument if it is something else."""
    if not isinstance(value, str | os.PathLike):
        raise NevoaError(f"{name} must be a path, as text or a pathlib.Path, not {value!r:.60}.")
    return Path(value)


def is_utf8(name: str) -> bool:
    """Return whether a name is UTF-8 text.

    A name from the command line or a folder holds undecodable bytes as surrogates. If the locale is not UTF-8, they may
    be UTF-8 all the same.
    """
    try:
        name.encode("utf-8", "surrogateescape").decode()
    except UnicodeError:
        return False
    return True


def device_name(value: Any) -> str:
    """Return the name of a torch device: `cuda` for `torch.device("cuda:0")`.

    A NevoaError for a device with another index.
    """
    kind, colon, index = str(value).partition(":")
    if colon and index != "0":
        raise NevoaError(
            f"nevoa uses the first device of a kind, not {value}. For another GPU, choose cuda and set the environment "
            "variable CUDA_VISIBLE_DEVICES before Python starts."
        )
    return kind


def counted(count: int, noun: str, plural: str = "s") -> str:
    """Return a number of things, as in "1 image" and "10,000 images"."""
    return f"{count:,} {noun}{plural * (count != 1)}"


def takes(function: Callable[..., object], count: int) -> bool:
    """Return whether a function can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True


def argument(function: Callable[..., object], place: int) -> str | None:
    """Return the name of a function's argument by its place; None if it takes fewer."""
    if not takes(function, place + 1):
        return None
    return [*inspect.signature(function).parameters][: place + 1][-1]  # the last one may stand for several


def has_argument(function: Callable[..., object], name: str) -> bool:
    """Return whether a function or class takes an argument of that name."""
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def comma_separated(names: Iterable[str]) -> str:
    """Return names as an option takes them: with commas between, and quoted if they contain one."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()
