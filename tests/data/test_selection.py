"""Which images are selected."""

from dataclasses import replace

import numpy as np
import pytest

from nevoa.config import DataConfig
from nevoa.data import ImageSet, label_of
from nevoa.data.find import Source
from nevoa.data.listing import Listing, of_arrays
from nevoa.data.prepare import prepare, store_folder
from nevoa.data.store import open_store
from nevoa.errors import NevoaError

NOISE = np.random.default_rng(0).integers(0, 256, (23, 6, 5, 3), dtype=np.uint8)


def noise(bad: tuple[int, ...] = (), stop_at: int | None = None, identity: object = "noise") -> Source:
    """Twenty-three small images of two classes, some of which cannot be read; with `stop_at` the machine dies there."""

    def read(number: int) -> np.ndarray:
        if number == stop_at:
            raise KeyboardInterrupt
        if number in bad:
            raise ValueError("it is bad")
        return NOISE[number]

    def listing() -> Listing:
        whole = of_arrays(NOISE, np.arange(23) % 2, ["even", "odd"])
        return replace(whole, read=read, file=lambda number: f"f{number}")

    return Source("noise", "noise", identity, listing)


def prepared(source: Source, data: DataConfig = DataConfig()) -> ImageSet:  # noqa: B008
    list(prepare(source, data))
    return open_store(store_folder(source, data))


def test_classes_are_chosen_by_name_or_index() -> None:
    images = prepared(noise(), DataConfig(only=("odd",)))
    np.testing.assert_array_equal(images.images, NOISE[1::2])
    assert images.classes == ("odd",)
    both = prepared(noise(), DataConfig(only=("Odd", 0)))
    assert both.classes == ("odd", "even")
    assert both.labels.tolist() == [(number + 1) % 2 for number in range(23)]
    with pytest.raises(NevoaError, match=r"There is no class 'ode'. Did you mean 'odd'"):
        prepared(noise(), DataConfig(only=("ode",)))


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
