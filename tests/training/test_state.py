"""The state of a training."""

import pytest

from nevoa.training.state import Mean, RecentMean


def test_means_forget_nothing_but_what_they_should() -> None:
    mean, recent = Mean(), RecentMean()
    for value in (1.0, 3.0):
        mean.add(value)
        recent.add(value)
    assert mean.value == 2.0
    assert recent.value == pytest.approx((0.98 * 1 + 3) / 1.98)
