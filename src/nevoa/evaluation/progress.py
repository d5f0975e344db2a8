"""Where a measurement stands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """What is being done, and how much of it: `done` of `total` (network evaluations, or one piece of work)."""

    name: str
    done: int = 0
    total: int = 1
