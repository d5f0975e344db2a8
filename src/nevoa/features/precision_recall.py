"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

Both estimate the region of a set in feature space by balls around its vectors, each reaching to the k-th nearest
neighbour within the set.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float64

Features = Float64[np.ndarray, "N D"]
Others = Float64[np.ndarray, "M D"]

K = 5
ROWS = 1000


class PrecisionRecall(NamedTuple):
    """Precision, recall and coverage are shares between 0 and 1; density can exceed 1.

    Attributes:
        precision: share of generated images inside a ball of a real image.
        recall: share of real images inside a ball of a generated image.
        density: mean number of real images' balls around a generated image, divided by k.
        coverage: share of real images whose ball contains a generated image.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall(
    real: Features, generated: Others, k: int = K, real_radius: Float64[np.ndarray, " N"] | None = None
) -> PrecisionRecall:
    """All four measures. Each set needs more than `k` images.

    Args:
        real_radius: `radii(real, k)`, if it is known already.
    """
    real_radius = radii(real, k) if real_radius is None else real_radius
    generated_radius = radii(generated, k)
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
    # k + 1, because the nearest neighbour of a vector is itself. torch finds them three times faster than numpy.
    blocks = (torch.from_numpy(distances).topk(k + 1, largest=False) for _, distances in squared_distances(x, x))
    return torch.cat([nearest.values[:, k] for nearest in blocks]).numpy()


def squared_distances(x: Features, y: Others) -> Iterator[tuple[slice, Float64[np.ndarray, "n M"]]]:
    """Squared Euclidean distances, ROWS rows of `x` at a time: yields the rows and their distances to all of `y`."""
    y_norm = np.einsum("nd,nd->n", y, y)
    for first in range(0, len(x), ROWS):
        rows = slice(first, first + ROWS)
        part = x[rows]
        # In place: a new array for each operation would take twice as long and four times the memory.
        distances = (-2 * part) @ y.T
        distances += np.einsum("nd,nd->n", part, part)[:, None]
        distances += y_norm
        yield rows, np.maximum(distances, 0, out=distances)
