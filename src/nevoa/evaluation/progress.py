"""Progress of a measurement."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """What is being computed, and how far: `done` of `total` network evaluations, or one piece of work."""

    name: str
    done: int = 0
    total: int = 1
