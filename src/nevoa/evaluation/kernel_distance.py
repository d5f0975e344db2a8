"""Kernel distance between two feature sets: the unbiased squared MMD (Binkowski et al. 2018, section 4; "KID")."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

Features = Float64[np.ndarray, "N D"]
Others = Float64[np.ndarray, "M D"]
Weights = Float64[np.ndarray, "N R"]

ROWS = 1000
RESAMPLES = 200
CONFIDENCE = 0.95


class KernelDistance(NamedTuple):
    """The estimate and its 95 % bootstrap interval."""

    distance: float
    low: float
    high: float


def kernel_distance(a: Features, b: Others, rng: np.random.Generator) -> KernelDistance:
    """Mean k(a, a') + mean k(b, b') - 2 mean k(a, b) over distinct pairs, k(x, y) = (x.y / D + 1)^3.

    All pairs are used, in blocks of ROWS. The estimate is unbiased, so it may be negative near 0. The bootstrap draws
    each set RESAMPLES times with replacement: a resample is a column of multiplicities. It leaves out pairs of an image
    with itself, and so is unbiased, too.
    """
    estimates = _estimates(a, b, _multiplicities(len(a), rng), _multiplicities(len(b), rng))
    low, high = np.quantile(estimates[1:], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return KernelDistance(float(estimates[0]), float(low), float(high))


def kernel_distance_alone(a: Features, b: Others, within_b: float | None = None) -> float:
    """The estimate without its interval, for a fraction of the work.

    Args:
        within_b: `mean_within(b)`, if it is known already.
    """
    w_a, w_b = np.ones((len(a), 1)), np.ones((len(b), 1))
    between = _weighted(a, b, w_a, w_b)[0] / (len(a) * len(b))
    return mean_within(a) + (mean_within(b) if within_b is None else within_b) - 2 * float(between)


def mean_within(x: Features) -> float:
    """Mean k(x, x') over distinct pairs."""
    return float(_within(x, np.ones((len(x), 1)))[0])


def _estimates(a: Features, b: Others, w_a: Weights, w_b: Float64[np.ndarray, "M R"]) -> Float64[np.ndarray, " R"]:
    between = _weighted(a, b, w_a, w_b) / (w_a.sum(0) * w_b.sum(0))
    return _within(a, w_a) + _within(b, w_b) - 2 * between


def _multiplicities(count: int, rng: np.random.Generator) -> Weights:
    """How often each image occurs in each resample; the first column is the set itself."""
    draws = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return np.concatenate([np.ones((1, count)), draws]).T


def _within(x: Features, weights: Weights) -> Float64[np.ndarray, " R"]:
    pairs = -(weights**2).T @ (np.einsum("nd,nd->n", x, x) / x.shape[1] + 1) ** 3  # an image with itself
    for first in range(0, len(x), ROWS):
        # The kernel is symmetric: each block counts twice, those on the diagonal once.
        part, later = slice(first, first + ROWS), slice(first, None)
        pairs += 2 * _weighted(x[part], x[later], weights[part], weights[later])
        pairs -= _weighted(x[part], x[part], weights[part], weights[part])
    return pairs / (weights.sum(0) ** 2 - (weights**2).sum(0))


def _weighted(a: Features, b: Others, w_a: Weights, w_b: Float64[np.ndarray, "M R"]) -> Float64[np.ndarray, " R"]:
    """Weighted sum of the kernel over all pairs, for each resample."""
    total = np.zeros(w_a.shape[1])
    for first in range(0, len(a), ROWS):
        rows = slice(first, first + ROWS)
        root = (a[rows] / a.shape[1]) @ b.T
        root += 1
        kernel = root * root  # several times faster than root**3
        kernel *= root
        total += (w_a[rows] * (kernel @ w_b)).sum(0)
    return total
