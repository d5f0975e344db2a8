"""Fréchet distance between the Gaussians of two feature sets (Heusel et al. 2017, equation 6)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

Features = Float64[np.ndarray, "N D"]


@dataclass(frozen=True)
class Moments:
    """Count, mean and scatter (sum of centred outer products) of feature vectors, in float64."""

    count: int
    mean: Float64[np.ndarray, " D"]
    scatter: Float64[np.ndarray, "D D"]

    @classmethod
    def of(cls, batches: Iterable[Float64[np.ndarray, "_ D"]]) -> "Moments":
        """The moments of a stream of batches, in constant memory."""
        parts = (cls(len(batch), batch.mean(0), _scatter(batch)) for batch in batches)
        total = next(parts)
        for part in parts:
            total = total.joined(part)
        return total

    def joined(self, other: "Moments") -> "Moments":
        """The moments of both sets together, without cancellation (Chan, Golub and LeVeque 1979)."""
        count = self.count + other.count
        apart = other.mean - self.mean
        scatter = self.scatter + other.scatter + np.outer(apart, apart) * (self.count * other.count / count)
        return Moments(count, self.mean + apart * (other.count / count), scatter)

    @property
    def covariance(self) -> Float64[np.ndarray, "D D"]:
        """The unbiased covariance, scatter / (count - 1)."""
        return self.scatter / (self.count - 1)

    @property
    def rank(self) -> int:
        """Rank of the covariance."""
        return int(np.linalg.matrix_rank(self.covariance, hermitian=True))

    @property
    def warning(self) -> str | None:
        """Why a distance to these moments means little; None if it can be trusted."""
        width, rank = len(self.mean), self.rank
        if rank == width:
            return None
        why = f"{self.count:,} images" if self.count <= width else "features that are constant or repeat one another"
        return (
            f"the covariance of the features has rank {rank} instead of {width}, because of {why}: "
            "the Fréchet distance means little"
        )


def frechet_distance(a: Moments, b: Moments) -> float:
    """|mean_a - mean_b|^2 + tr(cov_a + cov_b - 2 (cov_a cov_b)^(1/2)), at least 0.

    The trace of the root is the sum of the singular values of cov_a^(1/2) cov_b^(1/2). This stays real, and works for
    singular covariances.
    """
    root_trace = np.linalg.svd(_root(a.covariance) @ _root(b.covariance), compute_uv=False).sum()
    apart = a.mean - b.mean
    return max(0.0, float(apart @ apart + np.trace(a.covariance) + np.trace(b.covariance) - 2 * root_trace))


def _scatter(batch: Features) -> Float64[np.ndarray, "D D"]:
    centred = batch - batch.mean(0)
    return centred.T @ centred


def _root(covariance: Float64[np.ndarray, "D D"]) -> Float64[np.ndarray, "D D"]:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T
