"""Kernel distance between two feature sets: the unbiased squared MMD (Binkowski et al. 2018, section 4; "KID")."""

import numpy as np
from jaxtyping import Float64

Features = Float64[np.ndarray, "N D"]
Others = Float64[np.ndarray, "M D"]
PerImage = Float64[np.ndarray, " N"]

ROWS = 1000


def kernel_distance(a: Features, b: Others) -> float:
    """Return `mean k(a, a') + mean k(b, b') - 2 mean k(a, b)` over distinct pairs, `k(x, y) = (x.y / D + 1)^3`.

    All pairs are used, in blocks of ROWS. The estimate is unbiased, so it may be negative near 0.

    Example:
        >>> features = feature_network.features(images)
        >>> kernel_distance(features[:8], features[8:]) > 0
        True
    """
    return kernel_distance_and_influence(a, b, mean_within(b))[0]


def kernel_distance_and_influence(a: Features, b: Others, within_b: float) -> tuple[float, PerImage]:
    """Return the distance, and the influence of each image x of a on it: 2 (mean k(x, a') - mean k(x, b)).

    The influence is up to a constant. `within_b` is `mean_within(b)`.
    """
    within, between = _mean_kernels_within(a), _mean_kernels(a, b)
    return float(within.mean()) + within_b - 2 * float(between.mean()), 2 * (within - between)


def mean_within(x: Features) -> float:
    """Mean k(x, x') over distinct pairs."""
    return float(_mean_kernels_within(x).mean())


def _mean_kernels_within(x: Features) -> PerImage:
    """Mean kernel of each image with the others."""
    own = (np.einsum("nd,nd->n", x, x) / x.shape[1] + 1) ** 3
    return (len(x) * _mean_kernels(x, x) - own) / (len(x) - 1)


def _mean_kernels(a: Features, b: Others) -> PerImage:
    """Mean kernel of each image of a with those of b."""
    means = []
    for first in range(0, len(a), ROWS):
        root = (a[first : first + ROWS] / a.shape[1]) @ b.T
        root += 1
        kernel = root * root  # several times faster than root**3
        kernel *= root
        means.append(kernel.mean(1))
    return np.concatenate(means)
