"""Distances between feature sets: against closed forms, and against the packages that defined them."""

import warnings

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from nevoa.evaluation.classes import classes
from nevoa.evaluation.frechet import Moments, frechet_distance
from nevoa.evaluation.inception import inception_scores
from nevoa.evaluation.kernel_distance import CONFIDENCE, kernel_distance
from nevoa.evaluation.precision_recall import manifold


def features(count: int, width: int = 6, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    """Correlated Gaussian vectors."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, width)) @ np.random.default_rng(9).standard_normal((width, width)) + shift


def moments(x: np.ndarray) -> Moments:
    return Moments.of([x])


class AsTheyAre(nn.Module):
    """A feature network for torchmetrics that reads the vector `table[i]` off an image whose first pixels spell i."""

    def __init__(self, table: np.ndarray):
        super().__init__()
        self.table, self.num_features = torch.from_numpy(table), table.shape[1]

    def forward(self, images: Tensor) -> Tensor:
        return self.table[images[:, 0, 0, 0].long() * 256 + images[:, 0, 0, 1].long()]


def spelled(indices: range) -> np.ndarray:
    """Images that AsTheyAre reads as rows `indices` of its table."""
    images = np.zeros((len(indices), 4, 4, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = divmod(np.array(indices), 256)
    return images


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8), far=st.sampled_from([0.0, 1e6]))
def test_moments_do_not_depend_on_how_the_stream_is_cut(sizes: list[int], far: float) -> None:
    x = features(sum(sizes) + 2, shift=far)
    cut = Moments.of(np.split(x, np.cumsum(sizes)))
    np.testing.assert_allclose(cut.mean, x.mean(0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(cut.covariance, np.cov(x.T), rtol=1e-6, atol=1e-8)


def test_frechet_distance_of_gaussians_with_commuting_covariances_is_closed() -> None:
    a = Moments(101, np.array([1.0, 2.0]), 100 * np.diag([4.0, 9.0]))
    b = Moments(101, np.array([0.0, 4.0]), 100 * np.diag([1.0, 16.0]))
    assert frechet_distance(a, b) == pytest.approx(1 + 4 + (2 - 1) ** 2 + (3 - 4) ** 2)


def test_frechet_distance_equals_the_matrix_square_root_of_scipy() -> None:
    a, b = features(300, 40), features(200, 40, seed=1, shift=0.3)
    product = np.cov(a.T) @ np.cov(b.T)
    apart = a.mean(0) - b.mean(0)
    trace = np.trace(np.cov(a.T) + np.cov(b.T) - 2 * np.real(scipy.linalg.sqrtm(product)))
    assert frechet_distance(moments(a), moments(b)) == pytest.approx(apart @ apart + trace, rel=1e-6)


def test_frechet_distance_and_kernel_distance_equal_those_of_torchmetrics() -> None:
    a, b = features(300, 12), features(250, 12, seed=1, shift=0.5)
    table = AsTheyAre(np.concatenate([a, b]))
    scores = inception_scores(spelled(range(300)), spelled(range(300, 550)), network=table)
    assert scores["fid"] == pytest.approx(frechet_distance(moments(a), moments(b)), rel=1e-6)
    # torchmetrics takes 100 draws of min(N, M) images of each set: all of b, but never all of a at once.
    assert scores["kid"] == pytest.approx(kernel_distance(a, b, np.random.default_rng(0)).distance, rel=0.05)


def test_a_distance_to_itself_is_zero_and_never_negative() -> None:
    few = features(5, 40)
    assert frechet_distance(moments(few), moments(few)) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(moments(few), moments(few)) >= 0


def test_a_covariance_without_full_rank_says_why() -> None:
    assert moments(features(60)).warning is None
    assert "rank 4, not 6" in (moments(features(5)).warning or "")
    assert "5 images" in (moments(features(5)).warning or "")
    repeated = np.concatenate([features(60), features(60)[:, :1]], axis=1)
    assert "rank 6, not 7" in (moments(repeated).warning or "")


def test_kernel_distance_equals_the_reference_package() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch_fidelity.metric_kid import kernel_mmd

    a, b = features(1200), features(1100, seed=1, shift=0.4)  # more than one block of rows
    settings = {"kid_kernel": "poly", "kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None}
    size = min(len(a), len(b))
    reference = kernel_mmd(a[:size], b[:size], kid_kernel_poly_coef0=1, **settings)
    ours = kernel_distance(a[:size], b[:size], np.random.default_rng(0))
    assert ours.distance == pytest.approx(reference, rel=1e-6)
    assert ours.low < ours.distance < ours.high


def test_kernel_distance_of_two_sizes_is_the_mean_over_distinct_pairs() -> None:
    a, b = features(7), features(5, seed=1)
    k = lambda x, y: (x @ y / 6 + 1) ** 3  # noqa: E731
    within = lambda x: np.mean([k(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j])  # noqa: E731
    brute = within(a) + within(b) - 2 * np.mean([[k(x, y) for y in b] for x in a])
    assert kernel_distance(a, b, np.random.default_rng(0)).distance == pytest.approx(brute, rel=1e-9)


@pytest.mark.slow
def test_kernel_distance_of_one_distribution_is_zero_on_average_and_its_interval_mostly_holds_zero() -> None:
    rng = np.random.default_rng(0)
    draws = [kernel_distance(features(80, seed=2 * i), features(80, seed=2 * i + 1), rng) for i in range(100)]
    distances = np.array([draw.distance for draw in draws])
    assert abs(distances.mean()) < 4 * distances.std() / 10
    assert sum(draw.low <= 0 <= draw.high for draw in draws) >= 100 * CONFIDENCE - 10


def test_precision_recall_density_and_coverage_equal_the_reference_package(capsys: pytest.CaptureFixture) -> None:
    from prdc import compute_prdc

    real, generated = features(1300), features(1100, seed=1, shift=0.7)  # more than one block of rows
    reference = compute_prdc(real, generated, nearest_k=5)
    ours = manifold(real, generated, k=5)._asdict()
    assert ours == pytest.approx(reference, rel=1e-6)
    assert 0.1 < ours["precision"] < 1 and 0.1 < ours["recall"] < 1  # the case is not trivial


def test_classes_are_counted_and_certainty_averaged() -> None:
    found = classes(np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [1.0, 0.0, 0.0]]))
    assert found.shares.tolist() == [0.75, 0.25, 0.0]
    assert found.confidence == pytest.approx((0.9 + 0.8 + 0.6 + 1.0) / 4)
