"""Which images are selected."""

import numpy as np
import pytest

from nevoa.config import DataConfig
from nevoa.data import label_of
from nevoa.data.find import Source
from nevoa.data.listing import of_arrays
from nevoa.errors import NevoaError
from tests.data.noise import NOISE, noise, prepared


def test_classes_are_chosen_by_name_or_index() -> None:
    images = prepared(noise(), DataConfig(only=("odd",)))
    np.testing.assert_array_equal(images.images, NOISE[1::2])
    assert images.classes == ("odd",)
    both = prepared(noise(), DataConfig(only=("Odd", 0)))
    assert both.classes == ("odd", "even")
    assert both.labels.tolist() == [(number + 1) % 2 for number in range(23)]
    with pytest.raises(NevoaError, match=r"There is no class 'ode'. Did you mean 'odd'"):
        prepared(noise(), DataConfig(only=("ode",)))


def test_an_error_spells_classes_as_they_are() -> None:
    with pytest.raises(NevoaError, match=r"There is no class 'Öve'. Did you mean 'Över'\? Known: Dog, Över."):
        label_of(("Dog", "Över"), "Öve")


def test_of_classes_that_are_numbers_a_number_is_a_name() -> None:
    classes = ("1", "3", "5")
    assert [label_of(classes, wish) for wish in ("1", "5", 1)] == [0, 2, 1]
    for wish in ("2", "0", "9" * 5_000, 3, -1):
        with pytest.raises(NevoaError, match="There is no class"):
            label_of(classes, wish)
    assert label_of(("cat", "3"), "0") == 0


def test_a_limit_draws_the_same_images_each_time() -> None:
    first, again = prepared(noise(), DataConfig(limit=9)), prepared(noise(identity="again"), DataConfig(limit=9))
    assert len(first) == 9
    assert first.fingerprint == again.fingerprint
    drawn = [int(np.flatnonzero((image == NOISE).all((1, 2, 3)))[0]) for image in first.images]
    assert drawn == sorted(set(drawn)) != list(range(9))
    assert first.labels.tolist() == [number % 2 for number in drawn]
    assert len(prepared(noise(), DataConfig(limit=99))) == 23


def test_unlabelled_images_have_no_classes_to_choose() -> None:
    source = Source("x", "x", "x", lambda: of_arrays(NOISE, None))
    assert prepared(source).classes == ()
    with pytest.raises(NevoaError, match="no classes to choose from"):
        prepared(source, DataConfig(only=("a",)))
