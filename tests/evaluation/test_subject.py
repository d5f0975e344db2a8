"""What is measured: images of each class in its share, of what was trained on."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevoa.data import ImageSet
from nevoa.evaluation.subject import classes_in_shares


def of_classes(counts: list[int]) -> ImageSet:
    labels = np.repeat(np.arange(len(counts)), counts)
    return ImageSet("x", np.zeros((len(labels), 1, 1, 1), np.uint8), labels, tuple(map(str, range(len(counts)))), "")


@given(counts=st.lists(st.integers(1, 50), min_size=1, max_size=6), count=st.integers(0, 200))
def test_each_class_has_its_share_of_any_first_part(counts: list[int], count: int) -> None:
    """Within one image, for two classes; those furthest behind come first, so that more lag by less than their number."""
    classes = classes_in_shares(of_classes(counts), count)
    assert len(classes) == count
    for end in range(count + 1):
        found = Counter(classes[:end])
        for label, size in enumerate(counts):
            assert abs(found[str(label)] - end * size / sum(counts)) < max(1, len(counts) - 1)


@pytest.mark.parametrize("classes", [1, 3, 10])
def test_classes_of_one_size_come_in_turn(classes: int) -> None:
    """As `nevoa sample` has them: images of a balanced data set are the same whether shares are looked at or not."""
    assert classes_in_shares(of_classes([7] * classes), 25) == [str(number % classes) for number in range(25)]


def test_a_rare_class_is_rare() -> None:
    assert Counter(classes_in_shares(of_classes([90, 10]), 100)) == {"0": 90, "1": 10}
