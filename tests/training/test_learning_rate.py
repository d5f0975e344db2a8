"""The learning rate of a training whose horizon moves on the way."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevoa.runs.horizon import Horizon
from nevoa.training.learning_rate import learning_rate_at
from tests.small_runs import ONE_IMAGE

shares = st.floats(0.05, 1)
decays = st.sampled_from(["linear", "cosine"])


PLAN = ONE_IMAGE.model_copy(update={"learning_rate": 1.0})


def rates(horizon: Horizon, decay: str, cooldown: float, batches: range) -> list[float]:
    """The rates of batches of one image, from 1."""
    plan = PLAN.model_copy(update={"learning_rate_decay": decay, "cooldown": cooldown})
    return [learning_rate_at(batch - 1, horizon, plan) for batch in batches]


@given(st.integers(1, 500), shares, decays)
def test_the_rate_is_constant_then_falls_until_it_would_be_zero_after_the_last_step(
    steps: int, cooldown: float, decay: str
) -> None:
    *found, after = rates(Horizon(steps), decay, cooldown, range(1, steps + 2))
    assert all(rate == 1 for done, rate in enumerate(found) if done <= (1 - cooldown) * steps)
    assert found == sorted(found, reverse=True)
    assert found[-1] > 0
    assert after == pytest.approx(0, abs=1e-12)


def test_the_steps_of_a_rate_that_falls_from_the_start_are_even() -> None:
    assert rates(Horizon(4), "linear", 1, range(1, 5)) == [1, 0.75, 0.5, 0.25]


@given(st.integers(2, 500), shares, decays, st.data())
def test_a_decision_for_the_same_steps_changes_nothing(steps: int, cooldown: float, decay: str, data) -> None:
    step = data.draw(st.integers(1, steps - 1))
    horizon = Horizon(steps)
    ahead = range(step + 1, steps + 1)
    again = rates(horizon.moved(step, steps, cooldown), decay, cooldown, ahead)
    assert again == pytest.approx(rates(horizon, decay, cooldown, ahead), abs=1e-9)


@pytest.mark.slow
@given(st.lists(st.floats(0.5, 2), max_size=20), st.integers(8, 100), shares, decays)
def test_whatever_is_decided_the_rate_never_jumps_and_falls_until_after_the_last_step(
    factors: list[float], steps: int, cooldown: float, decay: str
) -> None:
    """At the places where training decides; between two steps the rate falls no faster than by the steps left."""
    horizon, found, step, left = Horizon(steps), [1.0], 0, iter(factors)
    while step < horizon.images:
        if step >= horizon.next_decision(1) and (factor := next(left, None)):
            decided = horizon.moved(step, step + max(1, round(factor * (horizon.images - step))), cooldown)
            now = range(step + 1, step + 2)
            assert rates(decided, decay, cooldown, now) == pytest.approx(rates(horizon, decay, cooldown, now))
            horizon = decided
        step += 1
        found += rates(horizon, decay, cooldown, range(step, step + 1))
    assert found == sorted(found, reverse=True)
    assert found[-1] > 0
    assert rates(horizon, decay, cooldown, range(step + 1, step + 2)) == pytest.approx([0], abs=1e-12)


def test_decisions_come_closer_together_towards_the_end() -> None:
    horizon, places = Horizon(1000), []
    while horizon.next_decision(1) < horizon.images:
        places.append(horizon.next_decision(1))
        horizon = horizon.moved(horizon.next_decision(1), 1000, 0.3)
    gaps = [after - before for before, after in itertools.pairwise(places)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == 1
    assert len(places) < 100


def test_a_longer_training_from_before_the_cool_down_is_the_same_as_a_straight_one() -> None:
    ahead = range(51, 201)
    longer = Horizon(100).moved(50, 200, 0.5)
    assert rates(longer, "linear", 0.5, ahead) == pytest.approx(rates(Horizon(200), "linear", 0.5, ahead))


def test_a_cool_down_may_begin_at_once() -> None:
    """After 300 of 1000 steps, to end in 10 more."""
    found = rates(Horizon(1000).moved(300, 310, 0.5), "linear", 0.5, range(301, 311))
    assert found == pytest.approx([1 - step / 10 for step in range(10)])


def test_the_learning_rate_warms_up_then_falls() -> None:
    """The warm-up takes 10 of 100 batches of 10 images."""
    values = {"learning_rate": 2.0, "warmup_images": 100, "batch_size": 10}
    constant, linear, cosine = (
        PLAN.model_copy(update={**values, "learning_rate_decay": decay}) for decay in ("none", "linear", "cosine")
    )
    horizon = Horizon(1000)
    assert learning_rate_at(40, horizon, cosine) == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.04)))
    assert learning_rate_at(500, horizon, cosine) == pytest.approx(1.0)
    assert learning_rate_at(990, horizon, cosine) == pytest.approx(1 - math.cos(math.pi * 0.01))
    assert learning_rate_at(900, horizon, constant) == 2.0
    assert learning_rate_at(900, horizon, linear) == pytest.approx(0.2)


def test_the_rate_is_a_function_of_images_not_of_batches() -> None:
    """After as many images it is the same with batches of 8 and of 16."""
    small, large = (
        PLAN.model_copy(update={"learning_rate_decay": "cosine", "cooldown": 0.5, "batch_size": size})
        for size in (8, 16)
    )
    for seen in range(0, 1600, 16):
        assert learning_rate_at(seen, Horizon(1600), small) == learning_rate_at(seen, Horizon(1600), large)


@pytest.mark.parametrize("decay", ["linear", "none"])
def test_a_cool_down_that_is_longer_than_the_training_before_it_begins_at_once(decay: str) -> None:
    """Also if the rate would not fall by itself, and if the number of steps is decided again."""
    found = rates(Horizon(150, 50, cooling=True), decay, 0.5, range(51, 151))
    assert found == pytest.approx([1 - step / 100 for step in range(100)])
    again = rates(Horizon(150, 50, cooling=True).moved(100, 125, 0.5), decay, 0.5, range(101, 126))
    assert again == pytest.approx([0.5 - step / 50 for step in range(25)])
