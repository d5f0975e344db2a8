"""Errors that a user can act on."""

from collections.abc import Iterable
from difflib import get_close_matches


class NevoaError(Exception):
    """A sentence that tells the user what to do. The command line prints it and exits with code 2."""


def reason(error: Exception) -> str:
    """Why something failed, in one line: the operating system's words if it is the source."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return said.partition("\n")[0]


def unknown(kind: str, name: str, known: Iterable[str]) -> NevoaError:
    """The error for a name that is not in a table: it suggests the nearest one and lists all."""
    names = sorted(known)
    near = get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    guess = f" Did you mean '{near[0]}'?" if near else ""
    return NevoaError(f"There is no {kind} '{name}'.{guess} Known: {', '.join(names)}.")
