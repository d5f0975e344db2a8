"""Measurements of a throw-away training."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from nevoa.config import configure
from nevoa.data import as_image_set
from nevoa.training import Forecast, prepare
from nevoa.training.measure import Trial
from tests.small_runs import planned

SMALL = ("network.dim=4", "network.groups=1", "training.batch_size=32", "training.guide=0")


@pytest.mark.parametrize(("side", "timed"), [(8, 32), (64, 32), (96, 14), (256, 4)])
def test_large_images_are_timed_few_at_a_time_and_count_each(
    side: int, timed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of 32 images of 256x256 takes seconds, and a plan times some thirty."""
    found = list[int]()

    def seconds(trial: Trial) -> Iterator[float]:
        found.append(trial.plan.training.batch_size)
        return itertools.repeat(0.25 * trial.plan.training.batch_size)

    monkeypatch.setattr(Trial, "seconds", seconds)
    images = as_image_set(np.zeros((4, side, side, 1), np.uint8))
    trial = Trial(planned(configure(images.name, steps=10, options=SMALL), images), images)
    assert trial.image_seconds == pytest.approx(0.25)
    assert found == [timed]
    assert trial.plan.training.batch_size == 32


def test_a_forecast_has_the_memory_of_a_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which a plan says, and which would otherwise fail in the first step."""
    found = list[int]()

    def seconds(trial: Trial) -> Iterator[float]:
        found.append(trial.plan.training.batch_size)
        return itertools.repeat(0.01)

    monkeypatch.setattr(Trial, "seconds", seconds)
    images = as_image_set(np.zeros((4, 128, 128, 1), np.uint8))
    Forecast.of(prepare(configure(images.name, steps=10, options=SMALL), images))
    assert found == [8, 32]
