"""How long a step takes on an idle machine, from measured seconds."""

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

CHUNKS, TURNS = 8, 4


def steady_seconds(steps: Iterable[float], warm: float, at_least: float) -> float:
    """Seconds of a step on an idle machine: the fastest of eight chunks, by their means.

    Other work in these seconds would halve a plan. If it goes on, the training decides anew (`nevoa.training.budget`).

    Args:
        steps: seconds of one step after another, measured as they are asked for.
        warm: seconds of steps that are not counted, at least one step.
        at_least: seconds of steps that are, at least three.
    """
    source, counted = iter(steps), list[float]()
    passed = next(source)
    while passed < warm:
        passed += next(source)
    while len(counted) < 3 or sum(counted) < at_least:
        counted.append(next(source))
    size = math.ceil(len(counted) / CHUNKS)
    return min(fmean(counted[i : i + size]) for i in range(0, len(counted), size))


def in_turn(steps: Sequence[Iterator[float]], turn: float) -> list[float]:
    """Seconds of a step of each training on an idle machine: the fastest of a few turns, by their means.

    The trainings alternate, so that other work slows all of them alike. The first turn of each warms it up.

    Args:
        steps: of each training, seconds of one step after another, measured as they are asked for.
        turn: seconds of steps, at least one step.
    """
    turns = [[_mean_of_turn(stream, turn) for stream in steps] for _ in range(TURNS)]
    return [min(times) for times in zip(*turns[1:], strict=True)]


def _mean_of_turn(steps: Iterator[float], turn: float) -> float:
    passed = [next(steps)]
    while sum(passed) < turn:
        passed.append(next(steps))
    return fmean(passed)
