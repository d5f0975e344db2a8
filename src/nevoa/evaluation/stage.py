"""The progress of a measurement."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """The progress of a measurement: `done` of `total` network evaluations, or one piece of work.

    Example:
        >>> first, *_, report = measure(Samples("mine", images), Protocol(reference, count=16), ["memorisation"])
        >>> isinstance(first, Stage)
        True
    """

    name: str
    done: int = 0
    total: int = 1
