"""The Fréchet distance against closed forms and scipy. torch-fidelity's is compared with in test_inception.py."""

import numpy as np
import pytest
import scipy.linalg

from nevoa.evaluation.intervals import REACH, interval_of
from nevoa.features.frechet import frechet_distance, frechet_influence
from tests.evaluation.vectors import vectors


def with_moments(mean: list[float], deviations: list[float]) -> np.ndarray:
    """Vectors of exactly this mean and exactly these standard deviations, uncorrelated."""
    x = vectors(101, len(mean))
    orthonormal, _ = np.linalg.qr(x - x.mean(0))
    return orthonormal * 10 * deviations + mean


def test_frechet_distance_of_gaussians_with_commuting_covariances_is_closed() -> None:
    a, b = with_moments([1.0, 2.0], [2.0, 3.0]), with_moments([0.0, 4.0], [1.0, 4.0])
    np.testing.assert_allclose(np.cov(a.T), np.diag([4.0, 9.0]), atol=1e-12)
    assert frechet_distance(a, b) == pytest.approx(1 + 4 + (2 - 1) ** 2 + (3 - 4) ** 2)


@pytest.mark.parametrize("far", [0.0, 1e6])
def test_frechet_distance_equals_the_matrix_square_root_of_scipy(far: float) -> None:
    a, b = vectors(300, 40, shift=far), vectors(200, 40, seed=1, shift=far + 0.3)
    product = np.cov(a.T) @ np.cov(b.T)
    apart = a.mean(0) - b.mean(0)
    trace = np.trace(np.cov(a.T) + np.cov(b.T) - 2 * np.real(scipy.linalg.sqrtm(product)))
    assert frechet_distance(a, b) == pytest.approx(apart @ apart + trace, rel=1e-6)


def test_a_distance_to_itself_is_zero_and_never_negative() -> None:
    few = vectors(5, 40)
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(few, few) >= 0


def test_the_influence_of_an_image_is_the_change_of_the_distance_by_its_share() -> None:
    """Where each image is there a thousand times, one more is a small share."""
    a, b, copies = vectors(20), vectors(300, seed=1, shift=0.3), 1000
    repeated = np.repeat(a, copies, axis=0)
    influence = frechet_influence(repeated, b)[::copies]
    more, less = (
        np.array([frechet_distance(x, b) for x in sets])
        for sets in (
            [np.concatenate([repeated, a[[i]]]) for i in range(20)],
            [np.delete(repeated, i * copies, axis=0) for i in range(20)],
        )
    )
    change = (more - less) / 2 * len(repeated)
    np.testing.assert_allclose(influence - influence.mean(), change, atol=0.01 * float(np.std(change)))


@pytest.mark.parametrize("shift", [0.3, 3])
def test_its_interval_is_as_wide_as_sets_vary(shift: float) -> None:
    b = vectors(1000, seed=1)
    sets = [vectors(300, seed=seed, shift=shift) for seed in range(2, 202)]
    spread = np.std([frechet_distance(x, b) for x in sets], ddof=1)
    one_class = np.zeros(300, np.int64)
    widths = [np.ptp(interval_of(0, frechet_influence(x, b), one_class)) for x in sets]
    assert np.mean(widths) / (2 * REACH) == pytest.approx(spread, rel=0.15)


def test_features_without_full_rank_have_a_finite_influence() -> None:
    assert np.isfinite(frechet_influence(vectors(5, 40), vectors(200, 40, seed=1))).all()
