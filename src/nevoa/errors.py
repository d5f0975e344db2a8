"""The error that users see, and how its text is made."""

from collections.abc import Iterable
from difflib import get_close_matches


class NevoaError(Exception):
    """One sentence for the user: what is wrong, and what to do. The command line prints it and exits with code 2.

    Example:
        >>> nevoa.configure("shapes", steps=-1)
        Traceback (most recent call last):
        nevoa.errors.WrongValue: training.steps: Input should be greater than or equal to 1 (given: -1).
    """


class MemoryShortage(NevoaError):
    """Raised when a computation needs more memory than there is."""


class SaidElsewhere(NevoaError):
    """An error that another process of the same job reports.

    Example:
        >>> nevoa.errors.SaidElsewhere("Process 1 of 2 does not answer.")
        SaidElsewhere('Process 1 of 2 does not answer.')
    """


class WrongValue(NevoaError):
    """A value that does not suit the name under which it was given.

    Args:
        name: a key of the config, as section.key, or an argument. The command line replaces it by the option typed.
        problem: the rest of the sentence.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name + problem)
        self.name, self.problem = name, problem


def reason(error: BaseException) -> str:
    """Return the first line of an error's text; for an error of the operating system, the system's text."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return said.partition("\n")[0]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name nearest to `name`, or nothing if none is near.

    A section in common, as in `training.abc` and `training.seed`, does not make two names alike.
    """
    section, dot, _ = name.lower().rpartition(".")
    inside = [one for one in sorted(known) if one.lower().startswith(section + dot)]
    names = {one.lower().removeprefix(section + dot): one for one in inside}
    near = get_close_matches(name.lower().removeprefix(section + dot), names, n=1, cutoff=0.6)
    return f" Did you mean '{names[near[0]]}'?" if near else ""


def unknown(kind: str, name: object, known: Iterable[str]) -> NevoaError:
    """Return the error for a name that is not in a table. It suggests the nearest name and lists all."""
    names = sorted(known)
    return NevoaError(f"There is no {kind} '{name}'.{nearest(str(name), names)} Known: {', '.join(names)}.")


def missing_object(part: str, class_name: str) -> NevoaError:
    """The error for a run that was trained with an object in place of a name, which the caller did not pass."""
    name = class_name.rpartition(".")[2] + "(…)" * (part != "loss")  # a loss is a function
    return NevoaError(
        f"This run was trained with a {part} object, {class_name}. Pass it again, in Python: {part}={name}."
    )
