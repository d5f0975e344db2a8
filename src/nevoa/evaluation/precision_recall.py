"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

Each image stands for a ball in feature space that reaches to its k-th nearest neighbour in its own set.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

Features = Float64[np.ndarray, "N D"]
Others = Float64[np.ndarray, "M D"]

K = 5
ROWS = 1000


class PrecisionRecall(NamedTuple):
    """Shares between 0 and 1; density can exceed 1.

    Attributes:
        precision: share of generated images inside some real ball.
        recall: share of real images inside some generated ball.
        density: how many real balls a generated image is in, on average, over k.
        coverage: share of real balls with a generated image in them.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(real: Features, generated: Others, k: int = K) -> PrecisionRecall:
    """The four of them. Each set has more than `k` images."""
    real_radius, generated_radius = radii(real, k), radii(generated, k)
    inside, density = np.zeros(len(generated), bool), 0
    recalled, covered = [], []
    for rows, distances in squared_distances(real, generated):
        in_real = distances < real_radius[rows, None]
        inside |= in_real.any(0)
        density += in_real.sum()
        covered.append(distances.min(1) < real_radius[rows])
        recalled.append((distances < generated_radius).any(1))
    return PrecisionRecall(
        precision=float(inside.mean()),
        recall=float(np.concatenate(recalled).mean()),
        density=float(density) / (k * len(generated)),
        coverage=float(np.concatenate(covered).mean()),
    )


def radii(x: Features, k: int) -> Float64[np.ndarray, " N"]:
    """Squared distance of each vector to its k-th nearest other."""
    # Column k, not k - 1: a vector is its own nearest.
    return np.concatenate([np.partition(distances, k, axis=1)[:, k] for _, distances in squared_distances(x, x)])


def squared_distances(x: Features, y: Others) -> Iterator[tuple[slice, Float64[np.ndarray, "n M"]]]:
    """Squared Euclidean distances, ROWS rows of `x` at a time, with the rows they are of."""
    y_norm = np.einsum("nd,nd->n", y, y)
    for first in range(0, len(x), ROWS):
        rows = slice(first, first + ROWS)
        part = x[rows]
        norm = np.einsum("nd,nd->n", part, part)
        yield rows, np.maximum(norm[:, None] + y_norm - 2 * part @ y.T, 0)
