"""The arithmetic of minutes: on made-up costs, what is planned fits, and fits well."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevoa.config import TrainingConfig
from nevoa.runs.decisions import Costs
from nevoa.training.budget import (
    FEWEST_PREVIEW_STEPS,
    SHARE,
    TURNS,
    budgeted,
    in_turn,
    report_interval,
    steady_seconds,
    steps_within,
    total_seconds,
)

seconds = st.floats(1e-3, 5)


def settled(training: TrainingConfig, costs: Costs, run: float, left: float) -> TrainingConfig:
    return training.model_copy(update=budgeted(training, costs, run, left))


def spent(training: TrainingConfig, costs: Costs) -> dict[str, float]:
    """Walk through the run and add up what is done when: the long way to `total_seconds`."""
    result = {"step": 0.0, "preview": 0.0, "checkpoint": 0.0, "end": costs.end}
    preview = costs.preview * (training.preview_steps or costs.preview_steps) / costs.preview_steps
    for step in range(1, (training.steps or 0) + 1):
        result["step"] += costs.step
        seen, last = step * training.known_batch_size, step == training.steps
        for name, cost in (("preview", preview), ("checkpoint", costs.checkpoint)):
            every = getattr(training, f"{name}_every_images")
            if last or seen // every != (seen - training.known_batch_size) // every:
                result[name] += cost
    return result


@given(st.floats(1, 20), st.floats(0.02, 2), seconds, seconds, st.integers(1, 100), st.integers(1, 200))
def test_a_run_fills_its_minutes_and_no_more(minutes, step, preview, checkpoint, preview_steps, batch_size) -> None:
    costs = Costs(step, preview, preview_steps, checkpoint, end=0.5)
    run, elapsed = 60 * minutes, 5.0
    training = settled(TrainingConfig(minutes=minutes, batch_size=batch_size), costs, run, run - elapsed)
    parts = spent(training, costs)
    assert sum(parts.values()) == pytest.approx(total_seconds(training, costs))
    assert elapsed + sum(parts.values()) <= run + 1e-6 or training.steps == 1
    # Rounding to whole steps may leave out a preview or a checkpoint, each of which is a small part.
    assert elapsed + sum(parts.values()) > 0.97 * run - step or training.steps == 1


@pytest.mark.parametrize("every", [1, 31, 32, 33, 1000])
def test_what_is_due_more_often_than_a_step_comes_after_each(every: int) -> None:
    costs, keys = Costs(0.1, 0.01, 1, 0.02), {"preview_every_images": 10**9, "checkpoint_every_images": every}
    training = TrainingConfig(steps=100, batch_size=32, cooldown=1.0, preview_steps=1).model_copy(update=keys)
    seconds = sum(spent(training, costs).values())
    assert total_seconds(training, costs) == pytest.approx(seconds)
    assert abs(steps_within(training, costs, seconds) - 100) <= 1


@given(st.floats(1, 600), st.floats(0.05, 2), seconds, seconds)
def test_previews_and_checkpoints_cost_under_three_percent(minutes, step, preview, checkpoint) -> None:
    """Beyond those at the end, which always come."""
    costs, run = Costs(step, preview, 10, checkpoint), 60 * minutes
    training = settled(TrainingConfig(minutes=minutes), costs, run, run)
    previews = math.ceil((training.steps or 0) * 128 / (training.preview_every_images or 1))
    checkpoints = math.ceil((training.steps or 0) * 128 / (training.checkpoint_every_images or 1))
    shown = preview * (training.preview_steps or 0) / 10
    assert previews * shown <= SHARE * run * (1 + 1e-9) or previews == 1
    assert checkpoints * checkpoint <= SHARE * run * (1 + 1e-9) or checkpoints == 1


@pytest.mark.parametrize("given_steps", [None, 500])
def test_what_is_given_is_obeyed(given_steps: int | None) -> None:
    wish: dict[str, Any] = {"preview_every_images": 256, "checkpoint_every_images": 512, "steps": given_steps}
    costs = Costs(step=0.5, preview=3.0, preview_steps=100, checkpoint=1.0)
    training = settled(TrainingConfig(minutes=5, **wish), costs, 300, 290)
    assert training.preview_every_images == 256
    assert training.checkpoint_every_images == 512
    assert training.preview_steps == 100
    if given_steps:
        assert training.steps == given_steps
    else:
        assert 0.97 * 290 < total_seconds(training, costs) <= 290


def test_a_preview_too_dear_is_drawn_in_fewer_steps() -> None:
    """1000 steps at 0.1 s would be a third of five minutes; 1.5 % of them pay for 45."""
    costs = Costs(step=0.1, preview=100.0, preview_steps=1000, checkpoint=0.1)
    assert settled(TrainingConfig(minutes=5), costs, 300, 300).preview_steps == 45
    assert settled(TrainingConfig(minutes=0.1), costs, 6, 6).preview_steps == FEWEST_PREVIEW_STEPS
    assert settled(TrainingConfig(minutes=5, preview_steps=700), costs, 300, 300).preview_steps == 700


def test_long_runs_are_kept_every_ten_minutes() -> None:
    costs = Costs(step=0.1, preview=0.1, preview_steps=10, checkpoint=0.1)
    training = settled(TrainingConfig(steps=6 * 36_000), costs, 6 * 3600, 6 * 3600)
    assert (training.checkpoint_every_images or 0) / 128 * 0.1 == pytest.approx(600, rel=0.05)


@pytest.mark.parametrize("steps", [1, 20, 60, 100, 1_000, 1_000_000])
def test_short_runs_report_often_and_long_runs_every_2000_images(steps: int) -> None:
    training = TrainingConfig(steps=steps, batch_size=64)
    every = report_interval(training)
    assert every == 2_000 or (every % 64 == 0 and steps * 64 // every >= min(steps, 30))
    assert (every == 2_000) == (steps >= 1_000)


def test_no_time_left_is_one_step() -> None:
    assert budgeted(TrainingConfig(minutes=0.01), Costs(1.0, 1.0, 10, 1.0), 0.6, -3.0)["steps"] == 1


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


def test_a_slower_machine_is_slower_in_everything() -> None:
    assert Costs(0.5, 2.0, 7, 1.0, end=3.0).at(1.0) == Costs(1.0, 4.0, 7, 2.0, end=6.0)


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
