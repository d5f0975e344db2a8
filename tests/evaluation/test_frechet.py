"""The Fréchet distance against closed forms and scipy. torchmetrics' is compared with in test_inception.py."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from nevoa.evaluation.frechet import Moments, frechet_distance
from tests.evaluation.vectors import vectors


def moments(x: np.ndarray) -> Moments:
    return Moments.of([x])


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8), far=st.sampled_from([0.0, 1e6]))
def test_moments_do_not_depend_on_how_the_stream_is_cut(sizes: list[int], far: float) -> None:
    x = vectors(sum(sizes) + 2, shift=far)
    cut = Moments.of(np.split(x, np.cumsum(sizes)))
    np.testing.assert_allclose(cut.mean, x.mean(0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(cut.covariance, np.cov(x.T), rtol=1e-6, atol=1e-8)


def test_frechet_distance_of_gaussians_with_commuting_covariances_is_closed() -> None:
    a = Moments(101, np.array([1.0, 2.0]), 100 * np.diag([4.0, 9.0]))
    b = Moments(101, np.array([0.0, 4.0]), 100 * np.diag([1.0, 16.0]))
    assert frechet_distance(a, b) == pytest.approx(1 + 4 + (2 - 1) ** 2 + (3 - 4) ** 2)


def test_frechet_distance_equals_the_matrix_square_root_of_scipy() -> None:
    a, b = vectors(300, 40), vectors(200, 40, seed=1, shift=0.3)
    product = np.cov(a.T) @ np.cov(b.T)
    apart = a.mean(0) - b.mean(0)
    trace = np.trace(np.cov(a.T) + np.cov(b.T) - 2 * np.real(scipy.linalg.sqrtm(product)))
    assert frechet_distance(moments(a), moments(b)) == pytest.approx(apart @ apart + trace, rel=1e-6)


def test_a_distance_to_itself_is_zero_and_never_negative() -> None:
    few = vectors(5, 40)
    assert frechet_distance(moments(few), moments(few)) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(moments(few), moments(few)) >= 0


def test_a_covariance_without_full_rank_says_why() -> None:
    assert moments(vectors(60)).warning is None
    assert "rank 4 instead of 6" in (moments(vectors(5)).warning or "")
    assert "5 images" in (moments(vectors(5)).warning or "")
    repeated = np.concatenate([vectors(60), vectors(60)[:, :1]], axis=1)
    assert "rank 6 instead of 7" in (moments(repeated).warning or "")
