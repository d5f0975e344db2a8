"""What a user is told when something cannot be done."""

from collections.abc import Iterable
from difflib import get_close_matches


class NevoaError(Exception):
    """A sentence for the user that says what to do. The command line prints it and exits with 2."""


def reason(error: Exception) -> str:
    """Why something could not be read or written, in one line: the system's words where they are its."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return said.partition("\n")[0]


def unknown(kind: str, name: str, known: Iterable[str]) -> NevoaError:
    """The error for a name that is not in a closed table: it names the nearest one and all of them."""
    names = sorted(known)
    near = get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    guess = f" Did you mean '{near[0]}'?" if near else ""
    return NevoaError(f"There is no {kind} '{name}'.{guess} Known: {', '.join(names)}.")
