"""The learning rate of a training whose number of steps is decided again on the way."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevoa.config import TrainingConfig
from nevoa.training.course import Course, learning_rate_at

shares = st.floats(0.05, 1)
decays = st.sampled_from(["linear", "cosine"])


CONFIG = TrainingConfig(learning_rate=1.0)


def rates(course: Course, decay: str, cooldown: float, steps: range) -> list[float]:
    config = CONFIG.model_copy(update={"learning_rate_decay": decay, "cooldown": cooldown})
    return [learning_rate_at(step, course, config) for step in steps]


@given(st.integers(1, 500), shares, decays)
def test_the_rate_is_constant_then_falls_until_it_would_be_zero_after_the_last_step(
    steps: int, cooldown: float, decay: str
) -> None:
    *found, after = rates(Course(steps), decay, cooldown, range(1, steps + 2))
    assert all(rate == 1 for done, rate in enumerate(found) if done <= (1 - cooldown) * steps)
    assert found == sorted(found, reverse=True)
    assert found[-1] > 0
    assert after == pytest.approx(0, abs=1e-12)


def test_the_steps_of_a_rate_that_falls_from_the_start_are_even() -> None:
    assert rates(Course(4), "linear", 1, range(1, 5)) == [1, 0.75, 0.5, 0.25]


@given(st.integers(2, 500), shares, decays, st.data())
def test_a_decision_for_the_same_steps_changes_nothing(steps: int, cooldown: float, decay: str, data) -> None:
    step = data.draw(st.integers(1, steps - 1))
    course = Course(steps)
    ahead = range(step + 1, steps + 1)
    again = rates(course.decided(step, steps, cooldown), decay, cooldown, ahead)
    assert again == pytest.approx(rates(course, decay, cooldown, ahead), abs=1e-9)


@given(st.lists(st.floats(0.5, 2), max_size=20), st.integers(8, 100), shares, decays)
def test_whatever_is_decided_the_rate_never_jumps_and_falls_until_after_the_last_step(
    factors: list[float], steps: int, cooldown: float, decay: str
) -> None:
    """At the places where training decides; between two steps the rate falls no faster than by the steps left."""
    course, found, step, left = Course(steps), [1.0], 0, iter(factors)
    while step < course.steps:
        if step >= course.next_decision and (factor := next(left, None)):
            decided = course.decided(step, step + max(1, round(factor * (course.steps - step))), cooldown)
            now = range(step + 1, step + 2)
            assert rates(decided, decay, cooldown, now) == pytest.approx(rates(course, decay, cooldown, now))
            course = decided
        step += 1
        found += rates(course, decay, cooldown, range(step, step + 1))
    assert found == sorted(found, reverse=True)
    assert found[-1] > 0
    assert rates(course, decay, cooldown, range(step + 1, step + 2)) == pytest.approx([0], abs=1e-12)


@given(st.integers(1, 500), shares, st.floats(0.05, 0.95), st.floats(0, 0.9), st.data())
def test_the_share_of_steps_that_are_left_is_counted(
    steps: int, cooldown: float, by: float, cooled: float, data
) -> None:
    step = data.draw(st.integers(0, steps - 1))
    course = Course(steps, data.draw(st.integers(0, step)), cooled)
    counted = sum(course.cooled_at(each, cooldown) >= by for each in range(step, steps))
    assert course.share_left(step, cooldown, by) == pytest.approx(counted / (steps - step), abs=1.001 / (steps - step))


def test_decisions_come_closer_together_towards_the_end() -> None:
    course, places = Course(1000), []
    while course.next_decision < course.steps:
        places.append(course.next_decision)
        course = course.decided(course.next_decision, 1000, 0.3)
    gaps = [after - before for before, after in itertools.pairwise(places)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == 1
    assert len(places) < 100


def test_a_longer_training_from_before_the_cool_down_is_the_same_as_a_straight_one() -> None:
    ahead = range(51, 201)
    longer = Course(100).decided(50, 200, 0.5)
    assert rates(longer, "linear", 0.5, ahead) == pytest.approx(rates(Course(200), "linear", 0.5, ahead))


def test_a_cool_down_may_begin_at_once() -> None:
    """After 300 of 1000 steps, to end in 10 more."""
    found = rates(Course(1000).decided(300, 310, 0.5), "linear", 0.5, range(301, 311))
    assert found == pytest.approx([1 - step / 10 for step in range(10)])


def test_the_learning_rate_warms_up_then_falls() -> None:
    """The warm-up takes 10 of 100 steps."""
    config = TrainingConfig(learning_rate=2.0, warmup_images=100, batch_size=10, learning_rate_decay="cosine")
    course = Course(100)
    constant, linear = (config.model_copy(update={"learning_rate_decay": decay}) for decay in ("none", "linear"))
    assert learning_rate_at(5, course, config) == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.04)))
    assert learning_rate_at(51, course, config) == pytest.approx(1.0)
    assert learning_rate_at(100, course, config) == pytest.approx(1 - math.cos(math.pi * 0.01))
    assert learning_rate_at(91, course, constant) == 2.0
    assert learning_rate_at(91, course, linear) == pytest.approx(0.2)


@pytest.mark.parametrize("decay", ["linear", "none"])
def test_a_cool_down_that_is_longer_than_the_training_before_it_begins_at_once(decay: str) -> None:
    """Also if the rate would not fall by itself, and if the number of steps is decided again."""
    found = rates(Course(150, 50, at_once=True), decay, 0.5, range(51, 151))
    assert found == pytest.approx([1 - step / 100 for step in range(100)])
    again = rates(Course(150, 50, at_once=True).decided(100, 125, 0.5), decay, 0.5, range(101, 126))
    assert again == pytest.approx([0.5 - step / 50 for step in range(25)])
