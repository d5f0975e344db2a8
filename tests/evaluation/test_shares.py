"""New images and draws of real ones have the classes of the training images, each with its share."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevoa.data import ImageSet
from nevoa.evaluation.shares import DRAWS, classes_in_shares, draws_in_shares


def of_classes(counts: list[int]) -> ImageSet:
    labels = np.repeat(np.arange(len(counts)), counts)
    return ImageSet("x", np.zeros((len(labels), 1, 1, 1), np.uint8), labels, tuple(map(str, range(len(counts)))), "")


@given(counts=st.lists(st.integers(1, 50), min_size=1, max_size=6), count=st.integers(0, 200))
def test_each_class_has_its_share_of_any_first_part(counts: list[int], count: int) -> None:
    """Within one image, for two classes; of more, the last in turn waits for the others."""
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


@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=5), count=st.integers(1, 200))
def test_real_images_are_drawn_as_new_ones_are(counts: list[int], count: int) -> None:
    images = of_classes(counts)
    wanted = Counter(classes_in_shares(images, min(count, len(images))))
    draws = list(draws_in_shares(images, count, seed=0))
    assert len(draws) == (DRAWS if count < len(images) else 1)
    for draw in draws:
        assert len(set(draw.tolist())) == len(draw)
        assert Counter(str(label) for label in images.labels[draw]) == wanted


def test_draws_are_separate_where_there_are_enough_images() -> None:
    images = of_classes([70, 50])
    drawn = np.concatenate(list(draws_in_shares(images, 24, seed=0)))
    assert len(set(drawn.tolist())) == DRAWS * 24
    assert len(set(np.concatenate(list(draws_in_shares(images, 100, seed=0))).tolist())) == 120


def test_the_seed_decides_the_draws() -> None:
    first, again, other = (next(draws_in_shares(of_classes([70, 50]), 24, seed)) for seed in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()
