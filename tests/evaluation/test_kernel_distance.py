"""The kernel distance against brute force, the reference package and its own statistics."""

import warnings

import numpy as np
import pytest

from nevoa.evaluation.kernel_distance import CONFIDENCE, kernel_distance, kernel_distance_alone, mean_within
from tests.evaluation.vectors import vectors


def test_kernel_distance_equals_the_reference_package() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch_fidelity.metric_kid import kernel_mmd

    a, b = vectors(1200), vectors(1100, seed=1, shift=0.4)  # more than one block of rows
    settings = {"kid_kernel": "poly", "kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None}
    size = min(len(a), len(b))
    reference = kernel_mmd(a[:size], b[:size], kid_kernel_poly_coef0=1, **settings)
    ours = kernel_distance(a[:size], b[:size], np.random.default_rng(0))
    assert ours.distance == pytest.approx(reference, rel=1e-6)
    assert ours.low < ours.distance < ours.high
    for within in (None, mean_within(b[:size])):
        assert kernel_distance_alone(a[:size], b[:size], within) == pytest.approx(reference, rel=1e-6)


def test_kernel_distance_of_two_sizes_is_the_mean_over_distinct_pairs() -> None:
    a, b = vectors(7), vectors(5, seed=1)
    k = lambda x, y: (x @ y / 6 + 1) ** 3  # noqa: E731
    within = lambda x: np.mean([k(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j])  # noqa: E731
    brute = within(a) + within(b) - 2 * np.mean([[k(x, y) for y in b] for x in a])
    assert kernel_distance(a, b, np.random.default_rng(0)).distance == pytest.approx(brute, rel=1e-9)


@pytest.mark.slow
def test_kernel_distance_of_one_distribution_is_zero_on_average_and_its_interval_mostly_holds_zero() -> None:
    rng = np.random.default_rng(0)
    draws = [kernel_distance(vectors(80, seed=2 * i), vectors(80, seed=2 * i + 1), rng) for i in range(100)]
    distances = np.array([draw.distance for draw in draws])
    assert abs(distances.mean()) < 4 * distances.std() / 10
    assert sum(draw.low <= 0 <= draw.high for draw in draws) >= 100 * CONFIDENCE - 10
