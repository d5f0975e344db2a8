"""Precision, recall, density and coverage against the reference package."""

import pytest

from nevoa.features.precision_recall import precision_recall
from tests.evaluation.vectors import vectors

pytestmark = pytest.mark.slow


def test_precision_recall_density_and_coverage_equal_the_reference_package(capsys: pytest.CaptureFixture) -> None:
    from prdc import compute_prdc

    real, generated = vectors(1300), vectors(1100, seed=1, shift=0.7)  # more than one block of rows
    reference = compute_prdc(real, generated, nearest_k=5)
    ours = precision_recall(real, generated, k=5)._asdict()
    assert ours == pytest.approx(reference, rel=1e-6)
    assert 0.1 < ours["precision"] < 1 and 0.1 < ours["recall"] < 1  # the case is not trivial
