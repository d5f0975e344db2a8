"""Which images are selected."""

from pathlib import Path

import numpy as np
import pytest

from nevoa.config import DataConfig
from nevoa.data import label_of, load_images
from nevoa.data.find import Source
from nevoa.data.listing import of_arrays
from nevoa.errors import NevoaError
from tests.data.noise import NOISE, noise, prepared
from tests.data.pictures import PICTURES, encoded, photo, written


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


def test_images_below_a_size_are_left_out_and_counted(tmp_path: Path) -> None:
    sizes = [(40, 30), (64, 20), (20, 64), (32, 30), (31, 29), (200, 200)]
    files = {f"{number}.png": encoded(photo(number, size), "PNG") for number, size in enumerate(sizes)}
    assert len(written(tmp_path, files | {"broken.png": PICTURES[0][:60]})) == 6
    images = load_images(str(tmp_path), min_size=30)
    assert (len(images), images.notes.small, [bad.name for bad in images.notes.bad]) == (3, 3, ["broken.png"])
    assert images.notes.sizes == ((30, 32), (200, 200))
    assert len(load_images(str(tmp_path), min_size=29)) == 4
    assert len(load_images(str(tmp_path), min_size=20)) == 6
    (tmp_path / "broken.png").unlink()
    assert len(load_images(str(tmp_path), min_size=30, limit=2)) == 2  # of the large ones
    with pytest.raises(NevoaError, match="All 6 images have a side below 300 pixels: choose a smaller --min-size"):
        load_images(str(tmp_path), min_size=300)


def test_the_size_of_those_left_out_does_not_decide_the_size(tmp_path: Path) -> None:
    small, large = encoded(photo(0, (10, 10)), "PNG"), encoded(photo(1, (48, 48)), "PNG")
    assert written(tmp_path, {"a.png": small, "b.png": large}).shape == (3, 64, 64)
    assert load_images(str(tmp_path), min_size=48).shape == (3, 48, 48)


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
