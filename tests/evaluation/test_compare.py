"""Intervals of Fréchet distances, and what differences between runs mean."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nevoa.errors import NevoaError
from nevoa.evaluation import Interval, Measured, Reference, compare
from nevoa.evaluation.compare import measured
from nevoa.features.frechet import frechet_distance
from nevoa.runs import Run

WIDTH = 4
REAL = np.random.default_rng(9).normal(size=(4000, WIDTH))


def images_of(rng: np.random.Generator, count: int = 200, shift: float = 0.3) -> np.ndarray:
    """Features of images of a model that is a little off."""
    return rng.normal(size=(count, WIDTH)) + shift


def one_class(count: int = 200) -> np.ndarray:
    return np.zeros(count, np.int64)


def test_resamples_are_further_away_than_the_images_and_the_interval_is_not(rng: np.random.Generator) -> None:
    """A resample repeats images: its distance is larger, by about as much as that of the images is too large."""
    near = images_of(rng, 60, shift=0)
    found = measured("a", near, REAL, one_class(60))
    assert found.distance == frechet_distance(near, REAL)
    assert found.resampled.mean() > 1.3 * found.distance
    low, high = found.interval[1:]
    assert low < found.distance < high
    assert high - low == pytest.approx(np.subtract(*np.quantile(found.resampled, [0.975, 0.025])))


@pytest.mark.slow
def test_intervals_hold_what_they_promise(rng: np.random.Generator) -> None:
    """Of 60 sets of images of one model, some 95 % have an interval around the mean distance of such sets."""
    truth = np.mean([frechet_distance(images_of(rng), REAL) for _ in range(600)])
    intervals = [measured("a", images_of(rng), REAL, one_class()).interval for _ in range(60)]
    assert np.mean([low <= truth <= high for _, low, high in intervals]) >= 0.85


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_images_from_the_same_noise_are_compared_in_pairs(rng: np.random.Generator) -> None:
    """So a difference that each image shares is found where intervals of the distances overlap."""
    near = images_of(rng)
    far, others = 1.04 * near, 1.04 * images_of(rng)
    first, second, unlike = (
        measured(name, x, REAL, one_class()) for name, x in (("a", near), ("b", far), ("c", others))
    )
    assert first.interval.high > second.interval.low
    assert second.minus(first).verdict == "worse"
    assert first.minus(second).verdict == "better"
    assert unlike.minus(first).verdict == "undecided"
    near, far = second.minus(first), unlike.minus(first)
    assert 5 * (near.high - near.low) < far.high - far.low


def test_a_run_does_not_differ_from_itself(rng: np.random.Generator) -> None:
    images = images_of(rng)
    first, second = (measured(name, images, REAL, one_class()) for name in "ab")
    assert second.minus(first) == Interval(0, 0, 0)
    assert second.minus(first).verdict == "undecided"


def test_resamples_keep_the_number_of_images_of_each_class(rng: np.random.Generator) -> None:
    """Features that depend on the class alone are then the same in every resample."""
    classes = np.repeat([0, 1, 2], [100, 60, 40])
    features = rng.normal(size=(3, WIDTH))[classes]
    assert np.ptp(measured("a", features, REAL, classes).resampled) < 1e-9
    assert np.ptp(measured("a", features, REAL, one_class()).resampled) > 0.01


def test_distances_to_other_images_are_not_compared(reference: Reference, tmp_path: Path) -> None:
    other = replace(reference, source="others", train=replace(reference.train, fingerprint="another"))
    runs = [Run(tmp_path / name) for name in "ab"]
    with pytest.raises(NevoaError, match=r"b are compared with others at 12x12 .*a with bands at .* with --against"):
        next(compare(runs, [reference, other], 150))


def test_too_few_images_are_refused_before_any_is_made(reference: Reference, tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match="number of images is 100, but"):
        next(compare([Run(tmp_path)], [reference], 100))


def test_an_interval_around_zero_decides_nothing() -> None:
    verdicts = [Interval(0.0, *ends).verdict for ends in ((-1.0, 1.0), (0.1, 1.0), (-1.0, -0.1))]
    assert verdicts == ["undecided", "worse", "better"]
    assert Measured("a", 1.0, np.array([2.0, 2.0])).interval == (1.0, 1.0, 1.0)
