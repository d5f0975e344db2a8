"""How long a step takes on an idle machine, on made-up seconds."""

import itertools
from collections.abc import Iterator

import pytest

from nevoa.training.timing import TURNS, in_turn, steady_seconds


def test_the_first_steps_and_one_slow_one_do_not_count() -> None:
    cold, warm = [9.0, 5.0, 2.0], itertools.chain([1.0] * 7, [30.0], itertools.repeat(1.0))
    assert steady_seconds([*cold, *itertools.islice(warm, 60)], warm=16.0, at_least=40.0) == 1.0


def test_a_slow_machine_is_timed_on_three_steps() -> None:
    steps = iter([50.0, 40.0, 42.0, 44.0, 1e9])
    assert steady_seconds(steps, warm=1.0, at_least=2.0) == 40.0
    assert next(steps) == 1e9


def test_other_work_while_steps_are_timed_does_not_count() -> None:
    """It lasts for all but an eighth of the time, and makes a step twice as long."""
    busy, idle = [2.0] * 35, [1.0] * 10
    assert steady_seconds([*busy, *idle, *busy], warm=1.0, at_least=80.0) == 1.0


def test_trainings_are_timed_in_alternation() -> None:
    asked = list[str]()

    def steps(name: str, seconds: list[float]) -> Iterator[float]:
        for each in seconds:
            asked.append(name)
            yield each

    # The first turn does not count; in the third, other work slows both.
    fast, slow = steps("fast", [0.1, 1, 4, 1.5]), steps("slow", [9, 2.5, 8, 2])
    assert in_turn([fast, slow], 0) == [1, 2]
    assert asked == ["fast", "slow"] * TURNS


def test_a_turn_lasts_as_many_seconds() -> None:
    """Three steps of 0.5 s in a turn of 1.2 s: their mean counts."""
    steps = iter([0.5] * 3 + [0.4, 0.5, 0.6] * (TURNS - 1))
    assert in_turn([steps], 1.2) == pytest.approx([0.5])
    assert next(steps, None) is None
