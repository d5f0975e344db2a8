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


def kernel_distance_alone(a: Features, b: Others) -> float:
    """The estimate without its interval, for a fraction of the work."""
    return float(_estimates(a, b, np.ones((len(a), 1)), np.ones((len(b), 1)))[0])


def _estimates(a: Features, b: Others, w_a: Weights, w_b: Float64[np.ndarray, "M R"]) -> Float64[np.ndarray, " R"]:
    between = _weighted(a, b, w_a, w_b) / (w_a.sum(0) * w_b.sum(0))
    return _within(a, w_a) + _within(b, w_b) - 2 * between


def _multiplicities(count: int, rng: np.random.Generator) -> Weights:
    """How often each image occurs in each resample; the first column is the set itself."""
    draws = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return np.concatenate([np.ones((1, count)), draws]).T


def _within(x: Features, weights: Weights) -> Float64[np.ndarray, " R"]:
    own = np.einsum("nd,nd->n", x, x) / x.shape[1] + 1
    pairs = _weighted(x, x, weights, weights) - (weights**2).T @ own**3
    return pairs / (weights.sum(0) ** 2 - (weights**2).sum(0))


def _weighted(a: Features, b: Others, w_a: Weights, w_b: Float64[np.ndarray, "M R"]) -> Float64[np.ndarray, " R"]:
    """Weighted sum of the kernel over all pairs, for each resample."""
    total = np.zeros(w_a.shape[1])
    for first in range(0, len(a), ROWS):
        rows = slice(first, first + ROWS)
        root = a[rows] @ b.T / a.shape[1] + 1
        total += (w_a[rows] * ((root * root * root) @ w_b)).sum(0)  # several times faster than root**3
    return total
