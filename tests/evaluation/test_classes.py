"""Predicted classes."""

import numpy as np
import pytest

from nevoa.evaluation.classes import class_histogram


def test_classes_are_counted_and_confidence_averaged() -> None:
    found = class_histogram(np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [1.0, 0.0, 0.0]]))
    assert found.shares.tolist() == [0.75, 0.25, 0.0]
    assert found.confidence == pytest.approx((0.9 + 0.8 + 0.6 + 1.0) / 4)
