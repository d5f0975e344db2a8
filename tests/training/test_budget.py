"""Minutes that hold: what is planned fits, and the horizon follows the speed of the machine."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nevoa.config.plan import TrainingPlan
from nevoa.parallel.group import ALONE
from nevoa.runs.horizon import NEXT, Horizon
from nevoa.runs.journal import Costs
from nevoa.training.budget import (
    FEWEST_PREVIEW_STEPS,
    SHARE,
    Budget,
    images_within,
    rare,
    report_interval,
    timetable,
    total_seconds,
)
from nevoa.training.guide import AFTER_IMAGES
from nevoa.training.state import TrainingState
from tests.small_runs import ONE_IMAGE

seconds = st.floats(1e-3, 5)
OPEN = dict.fromkeys(("images", "preview_steps", "preview_every_images", "checkpoint_every_images"))
COOLDOWN = 0.3


def planned(batch_size: int, known: dict[str, Any], costs: Costs, run: float, left: float) -> TrainingPlan:
    """The plan of a run that takes so many seconds, of which some are left."""
    found = timetable({**OPEN, **known}, costs, run, left, batch_size, cooldown=1.0)
    machine = {"device": "cpu", "precision": "float32", "threads": 1, "report_every_images": 1}
    return TrainingPlan(batch_size=batch_size, **machine, **found)  # pyright: ignore


def spent(plan: TrainingPlan, costs: Costs) -> dict[str, float]:
    """Walk through the run and add up what is done when: the long way to `total_seconds`."""
    result = {"image": 0.0, "preview": 0.0, "checkpoint": 0.0, "end": costs.end}
    preview = costs.preview * plan.preview_steps / costs.preview_steps + costs.held_out
    for seen in range(plan.batch_size, plan.images + 1, plan.batch_size):
        result["image"] += costs.image * plan.batch_size
        for name, cost in (("preview", preview), ("checkpoint", costs.checkpoint)):
            every = getattr(plan, f"{name}_every_images")
            if seen == plan.images or seen // every != (seen - plan.batch_size) // every:
                result[name] += cost
    return result


@pytest.mark.slow
@given(st.floats(1, 20), st.floats(0.02, 2), seconds, seconds, st.integers(1, 100), st.integers(1, 200))
def test_a_run_fills_its_minutes_and_no_more(minutes, batch, preview, checkpoint, preview_steps, batch_size) -> None:
    costs = Costs(batch / batch_size, preview, preview_steps, checkpoint, end=0.5)
    run, elapsed = 60 * minutes, 5.0
    plan = planned(batch_size, {}, costs, run, run - elapsed)
    parts = spent(plan, costs)
    assert sum(parts.values()) == pytest.approx(total_seconds(plan, costs))
    assert elapsed + sum(parts.values()) <= run + 1e-6 or plan.images == batch_size
    # Rounding to whole batches may leave out a preview or a checkpoint, each of which is a small part.
    assert elapsed + sum(parts.values()) > 0.97 * run - batch or plan.images == batch_size


@pytest.mark.slow
@given(st.floats(1, 20), st.floats(0.02, 2), seconds, seconds, st.integers(1, 200))
@example(minutes=1.0, batch=1.0, preview=0.0625, held_out=3.0, batch_size=1)
def test_held_out_losses_are_in_the_minutes(minutes, batch, preview, held_out, batch_size) -> None:
    """One with each preview, of which rounding to whole batches may leave out one."""
    costs, run = Costs(batch / batch_size, preview, 7, 0.1, end=0.5, held_out=held_out), 60 * minutes
    plan = planned(batch_size, {}, costs, run, run)
    whole = sum(spent(plan, costs).values())
    assert whole == pytest.approx(total_seconds(plan, costs))
    assert 0.97 * run - batch - held_out < whole <= run + 1e-6 or plan.images == batch_size


@pytest.mark.parametrize("every", [1, 31, 32, 33, 1000])
def test_what_is_due_more_often_than_a_batch_comes_after_each(every: int) -> None:
    costs, keys = Costs(0.1 / 32, 0.01, 1, 0.02), {"preview_every_images": 10**9, "checkpoint_every_images": every}
    plan = planned(32, {"images": 3200, "preview_steps": 1, **keys}, costs, 10.0, 10.0)
    whole = sum(spent(plan, costs).values())
    assert total_seconds(plan, costs) == pytest.approx(whole)
    beside = rare(plan.preview_every_images, plan.checkpoint_every_images, costs)
    assert abs(images_within(costs, beside, whole, 32, cooldown=1.0) - 3200) <= 32


@pytest.mark.slow
@given(st.floats(1, 600), st.floats(0.05, 2), seconds, seconds)
def test_previews_and_checkpoints_cost_under_three_percent(minutes, batch, preview, checkpoint) -> None:
    """Beyond those at the end, which always come."""
    costs, run = Costs(batch / 128, preview, 10, checkpoint), 60 * minutes
    plan = planned(128, {}, costs, run, run)
    previews = math.ceil(plan.images / plan.preview_every_images)
    checkpoints = math.ceil(plan.images / plan.checkpoint_every_images)
    assert previews * preview * plan.preview_steps / 10 <= SHARE * run * (1 + 1e-9) or previews == 1
    assert checkpoints * checkpoint <= SHARE * run * (1 + 1e-9) or checkpoints == 1


@pytest.mark.parametrize("images", [None, 64_000])
def test_what_is_given_is_obeyed(images: int | None) -> None:
    known = {"preview_every_images": 256, "checkpoint_every_images": 512, "images": images}
    costs = Costs(0.5 / 128, preview=3.0, preview_steps=100, checkpoint=1.0)
    plan = planned(128, known, costs, 300, 290)
    assert (plan.preview_every_images, plan.checkpoint_every_images, plan.preview_steps) == (256, 512, 100)
    if images:
        assert plan.images == images
    else:
        assert 0.97 * 290 < total_seconds(plan, costs) <= 290


def test_a_preview_too_dear_is_drawn_in_fewer_steps() -> None:
    """1000 steps at 0.1 s would be a third of five minutes; 1.5 % of them pay for 45."""
    costs = Costs(0.1 / 128, preview=100.0, preview_steps=1000, checkpoint=0.1)
    assert planned(128, {}, costs, 300, 300).preview_steps == 45
    assert planned(128, {}, costs, 6, 6).preview_steps == FEWEST_PREVIEW_STEPS
    assert planned(128, {"preview_steps": 700}, costs, 300, 300).preview_steps == 700


def test_long_runs_are_kept_every_ten_minutes() -> None:
    costs = Costs(0.1 / 128, preview=0.1, preview_steps=10, checkpoint=0.1)
    plan = planned(128, {"images": 6 * 36_000 * 128}, costs, 6 * 3600, 6 * 3600)
    assert plan.checkpoint_every_images / 128 * 0.1 == pytest.approx(600, rel=0.05)


@pytest.mark.parametrize("steps", [1, 20, 60, 100, 1_000, 1_000_000])
def test_short_runs_report_often_and_long_runs_every_2000_images(steps: int) -> None:
    every = report_interval(64 * steps, 64)
    assert every == 2_000 or (every % 64 == 0 and steps * 64 // every >= min(steps, 30))
    assert (every == 2_000) == (steps >= 1_000)


@pytest.mark.parametrize(("seconds", "seen", "weighs"), [(500, 0, False), (900, 0, True), (500, 300_000, True)])
def test_a_long_training_keeps_time_for_weighing_its_guide(seconds: float, seen: int, weighs: bool) -> None:
    costs = Costs(0.001, 0.1, 7, 0.1, weight=60.0)
    images = images_within(costs, (), seconds, 64, 1.0, seen)
    assert (seen + images >= AFTER_IMAGES) == weighs
    assert images * 0.001 + 60 * weighs == pytest.approx(seconds, abs=0.07)
    if not seen:
        plan = planned(64, {"images": images}, costs, seconds, seconds)
        assert total_seconds(plan, costs) - total_seconds(plan, replace(costs, weight=0.0)) == 60 * weighs


def test_no_time_left_is_one_batch() -> None:
    assert planned(128, {}, Costs(1.0, 1.0, 10, 1.0), 0.6, -3.0).images == 128


def test_a_slower_machine_is_slower_in_everything() -> None:
    slower = Costs(0.5, 2.0, 7, 1.0, end=3.0, weight=4.0, held_out=5.0).at(1.0)
    assert slower == Costs(1.0, 4.0, 7, 2.0, end=6.0, weight=8.0, held_out=10.0)


RARELY = dict.fromkeys(("preview_every_images", "checkpoint_every_images"), 10**9)
FIVE_MINUTES = ONE_IMAGE.model_copy(update={"minutes": 5, **RARELY})


class Simulated(TrainingState):
    """The progress of a training without a network."""

    def __init__(self, images: int, cost: float) -> None:
        training = SimpleNamespace(batch_size=1, cooldown=COOLDOWN, patience=None, report_every_images=1)
        self.plan: Any = SimpleNamespace(training=training)
        self.horizon, self.images_seen, self.work, self.seconds = Horizon(images), 0, 0.0, 0.0
        self.group, self.cost = ALONE, cost

    def cost_at(self, images_seen: int) -> float:
        """The cost of an image: more in the last fifth of the cool-down."""
        return self.cost if self.horizon.cooled_at(images_seen, COOLDOWN) >= 0.8 else 1.0

    @property
    def cost_ahead(self) -> float:
        left = range(self.images_seen, self.horizon.images)
        return sum(map(self.cost_at, left)) / len(left)


class Simulation:
    """A training by the clock alone, in batches of one image."""

    def __init__(self, images: int, cost: float = 1.0) -> None:
        self.now, self.plans, self.costly = 100.0, list[int](), 0
        self.state = Simulated(images, cost)
        self.budget = Budget(FIVE_MINUTES, Costs(1.0, 0.0, 1, 0.0), self.now, clock=lambda: self.now)

    def run(self, seconds_of: Iterator[float]) -> float:
        """Train while images take so long. Return the seconds."""
        state, start = self.state, self.now
        while state.images_seen < state.horizon.images:
            before, state.horizon = state.horizon, self.budget.horizon(state)
            if state.horizon != before:
                self.plans.append(state.horizon.images)
            cost = state.cost_at(state.images_seen)
            seconds = next(seconds_of) * cost
            self.now, state.seconds, state.work = self.now + seconds, state.seconds + seconds, state.work + cost
            state.images_seen += 1
            self.costly += cost > 1
        return self.now - start


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
def test_a_training_fills_its_minutes(before: float, after: float, change: float, planned: int) -> None:
    """Within 3 % of five minutes, though the plan was wrong and other work began or ended on the way."""
    assert Simulation(planned).run(idle_then_busy(300 * change, before, after)) == pytest.approx(300, rel=0.03)


@pytest.mark.parametrize("planned", [195, 1500, 3000])
def test_images_that_take_longer_at_the_end_are_foreseen(planned: int) -> None:
    """They fill the minutes, their share is the planned one, a fifth of the cool-down of 0.3, and the plan stays."""
    simulation = Simulation(planned, cost=1.8)
    assert simulation.run(itertools.repeat(0.2)) == pytest.approx(300, rel=0.03)
    plans = simulation.plans
    assert simulation.costly / plans[-1] == pytest.approx(0.06, rel=0.15)
    assert plans[len(plans) // 4 :] == pytest.approx([plans[-1]] * (len(plans) - len(plans) // 4), rel=0.01)


def test_a_machine_that_stops_for_a_while_ends_no_training() -> None:
    """The images that are left are at most halved at a time."""
    simulation = Simulation(1500)
    simulation.run(itertools.chain([0.2] * 400, [1000.0], itertools.repeat(0.2)))
    assert simulation.plans[-1] >= 400 + 1100 / NEXT


@pytest.mark.parametrize(("seconds", "spent"), [(0.2, 20), (6.0, 300)])
def test_a_cool_down_for_want_of_patience_ends_no_later(seconds: float, spent: float) -> None:
    """On a fast machine time is left, and on a slow one the minutes hold."""
    simulation = Simulation(1500)
    state = simulation.state
    state.plan.training.patience = 3
    state.images_seen, state.horizon = 200, Horizon(300, 200, 0.0, cooling=True)
    assert simulation.run(itertools.repeat(seconds)) == pytest.approx(spent, rel=0.03)
    assert simulation.plans == sorted(simulation.plans, reverse=True)


def test_decisions_are_repeated_where_they_were_made() -> None:
    first, again = Simulation(1500), Simulation(1500)
    first.run(idle_then_busy(100, 0.2, 0.4))
    horizons, horizon = dict[int, Horizon](), Horizon(1500)
    for images in first.plans:
        horizon = horizon.moved(horizon.next_decision(1), images, COOLDOWN)
        horizons[horizon.since] = horizon
    again.budget.decided = horizons
    again.run(itertools.repeat(1e-9))  # by its clock, there is time for millions
    assert again.plans == first.plans
