"""Fréchet distance between the Gaussians of two feature sets (Heusel et al. 2017, equation 6)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

Features = Float64[np.ndarray, "N D"]
Covariance = Float64[np.ndarray, "D D"]

EPSILON = float(np.finfo(np.float64).eps)


class Gaussian(NamedTuple):
    """Mean, covariance and the root of the covariance of features."""

    mean: Float64[np.ndarray, " D"]
    covariance: Covariance
    root: Covariance

    @classmethod
    def of(cls, features: Features) -> "Gaussian":
        """The Gaussian with the mean and the unbiased covariance of features."""
        mean = features.mean(0)
        centred = features - mean
        covariance = centred.T @ centred / (len(features) - 1)
        values, vectors = np.linalg.eigh(covariance)
        return cls(mean, covariance, (vectors * np.sqrt(values.clip(0))) @ vectors.T)


def frechet_distance(a: Features, b: Float64[np.ndarray, "M D"]) -> float:
    """Return `|mean_a - mean_b|^2 + tr(cov_a + cov_b - 2 (cov_a cov_b)^(1/2))`, at least 0.

    Example:
        >>> features = feature_network.features(images)
        >>> frechet_distance(features, features) < 1e-6
        True
    """
    return distance_between(Gaussian.of(a), Gaussian.of(b))


def distance_between(a: Gaussian, b: Gaussian) -> float:
    """The Fréchet distance between two Gaussians.

    The trace of the root is the sum of the singular values of cov_a^(1/2) cov_b^(1/2). This stays real, and works for
    singular covariances.
    """
    apart = a.mean - b.mean
    root_trace = np.linalg.svd(a.root @ b.root, compute_uv=False).sum()
    return max(0.0, float(apart @ apart + np.trace(a.covariance) + np.trace(b.covariance) - 2 * root_trace))


def frechet_influence(a: Features, b: Float64[np.ndarray, "M D"]) -> Float64[np.ndarray, " N"]:
    """The influence of each image of a on the distance, up to a constant.

    With x = a - mean_a it is 2 (mean_a - mean_b).x + x.(1 - T) x, where T = cov_b^(1/2) (cov_b^(1/2) cov_a
    cov_b^(1/2))^(-1/2) cov_b^(1/2) is the linear map that carries one Gaussian to the other.
    """
    ours, theirs = Gaussian.of(a), Gaussian.of(b)
    values, vectors = np.linalg.eigh(theirs.root @ ours.covariance @ theirs.root)
    inverse = np.where(values > len(values) * EPSILON * values.max(), values, np.inf) ** -0.5
    half = vectors.T @ theirs.root
    x = a - ours.mean
    return 2 * x @ (ours.mean - theirs.mean) + (x**2).sum(1) - inverse @ (half @ x.T) ** 2
