"""The kernel distance against brute force, the reference package and its own statistics."""

import warnings

import numpy as np
import pytest

from nevoa.evaluation.intervals import REACH, interval_of
from nevoa.features.kernel_distance import kernel_distance, kernel_distance_and_influence, mean_within
from tests.evaluation.vectors import vectors


@pytest.mark.slow
def test_kernel_distance_equals_the_reference_package() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch_fidelity.metric_kid import kernel_mmd

    a, b = vectors(1200), vectors(1100, seed=1, shift=0.4)  # more than one block of rows
    settings = {"kid_kernel": "poly", "kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None}
    size = min(len(a), len(b))
    reference = kernel_mmd(a[:size], b[:size], kid_kernel_poly_coef0=1, **settings)
    assert kernel_distance(a[:size], b[:size]) == pytest.approx(reference, rel=1e-6)


def test_kernel_distance_of_two_sizes_is_the_mean_over_distinct_pairs() -> None:
    a, b = vectors(7), vectors(5, seed=1)
    k = lambda x, y: (x @ y / 6 + 1) ** 3  # noqa: E731
    within = lambda x: np.mean([k(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j])  # noqa: E731
    brute = within(a) + within(b) - 2 * np.mean([[k(x, y) for y in b] for x in a])
    assert kernel_distance(a, b) == pytest.approx(brute, rel=1e-9)


@pytest.mark.slow
def test_kernel_distance_of_one_distribution_is_zero_on_average() -> None:
    distances = [kernel_distance(vectors(80, seed=2 * i), vectors(80, seed=2 * i + 1)) for i in range(100)]
    assert abs(np.mean(distances)) < 4 * np.std(distances) / 10


def class_wise(rng: np.random.Generator, classes: np.ndarray) -> np.ndarray:
    """Features of images whose class says much about them."""
    return rng.normal(size=(len(classes), 6)) + 2 * np.random.default_rng(9).normal(size=(4, 6))[classes]


def test_its_interval_is_as_wide_as_sets_of_the_same_class_shares_vary() -> None:
    """A model's images have fixed shares, and all of its sets are compared with the same real images."""
    rng, classes, real = np.random.default_rng(0), np.arange(120) % 4, vectors(100)
    within = mean_within(real)
    sets = [class_wise(rng, classes) for _ in range(200)]
    spread = np.std([kernel_distance(x, real) for x in sets], ddof=1)

    def width(classes: np.ndarray) -> float:
        return float(
            np.mean([np.ptp(interval_of(0, kernel_distance_and_influence(x, real, within)[1], classes)) for x in sets])
        )

    assert width(classes) / (2 * REACH) == pytest.approx(spread, rel=0.15)
    assert width(np.zeros_like(classes)) > 1.5 * width(classes)
