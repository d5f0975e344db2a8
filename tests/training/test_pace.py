"""Minutes that hold: the number of steps follows the pace of the machine."""

import itertools
from collections.abc import Iterator

import pytest

from nevoa.config import TrainingConfig
from nevoa.runs.decisions import Costs
from nevoa.training.course import NEXT, Course
from nevoa.training.pace import Pace


class Clock:
    """A clock that a simulated training moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.now = 100.0
        monkeypatch.setattr("nevoa.training.pace.time.perf_counter", lambda: self.now)


def simulate(
    clock: Clock, training: TrainingConfig, planned: int, seconds_of: Iterator[float], cost: float = 1.0
) -> tuple[float, list[int], int]:
    """Train by the clock alone: steps that take so long, and in the last fifth of the cool-down `cost` times as long.

    Returns the seconds, the numbers of steps decided on, and how many came in the last fifth.
    """
    pace, course, spent = Pace(training, Costs(1.0, 0.0, 1, 0.0), started=clock.now), Course(planned), 0.0
    start, step, last, plans = clock.now, 0, 0, list[int]()
    while step < course.steps:
        is_last = course.cooled_at(step, 0.3) >= 0.8
        if step >= course.next_decision:
            ahead, work = 1 + (cost - 1) * course.share_left(step, 0.3, 0.8), step + (cost - 1) * last
            course = course.decided(step, pace.decide(step, work, spent, course.steps, ahead), 0.3)
            plans.append(course.steps)
        seconds = next(seconds_of) * (cost if is_last else 1)
        clock.now, spent, step, last = clock.now + seconds, spent + seconds, step + 1, last + is_last
    return clock.now - start, plans, last


def idle_then_busy(change: float, before: float, after: float) -> Iterator[float]:
    passed = 0.0
    while True:
        seconds = before if passed < change else after
        passed += seconds
        yield seconds


@pytest.mark.parametrize(
    ("before", "after"), [(0.2, 0.2), (0.2, 0.4), (0.4, 0.2), (0.2, 0.7)], ids=["idle", "begins", "ends", "heavy"]
)
@pytest.mark.parametrize("change", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("planned", [195, 318, 1500, 3000])
def test_a_training_fills_its_minutes(monkeypatch, before: float, after: float, change: float, planned: int) -> None:
    """Within 3 % of five minutes, though the plan was wrong and other work began or ended on the way."""
    training, clock = TrainingConfig(minutes=5), Clock(monkeypatch)
    seconds, *_ = simulate(clock, training, planned, idle_then_busy(300 * change, before, after))
    assert seconds == pytest.approx(300, rel=0.03)


@pytest.mark.parametrize("planned", [195, 1500, 3000])
def test_steps_that_take_longer_at_the_end_are_foreseen(monkeypatch: pytest.MonkeyPatch, planned: int) -> None:
    """They fill the minutes, their share is the planned one, a fifth of the cool-down of 0.3, and the plan stays."""
    training, clock = TrainingConfig(minutes=5), Clock(monkeypatch)
    seconds, plans, last = simulate(clock, training, planned, itertools.repeat(0.2), cost=1.8)
    assert seconds == pytest.approx(300, rel=0.03)
    assert last / plans[-1] == pytest.approx(0.06, rel=0.15)
    assert plans[len(plans) // 4 :] == pytest.approx([plans[-1]] * (len(plans) - len(plans) // 4), rel=0.01)


def test_a_machine_that_stops_for_a_while_ends_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps that are left are at most halved at a time."""
    stop = itertools.chain([0.2] * 400, [1000.0], itertools.repeat(0.2))
    _, plans, _ = simulate(Clock(monkeypatch), TrainingConfig(minutes=5), 1500, stop)
    assert plans[-1] >= 400 + 1100 / NEXT


def test_decisions_are_repeated_where_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = Pace(TrainingConfig(minutes=5), Costs(1.0, 0.0, 1, 0.0), started=0.0, decided={10: 77})
    assert pace.decide(10, 10, 1e9, 100) == 77
    assert pace.decide(20, 20, 2e9, 100) == 60  # halved: by this clock nothing is left
