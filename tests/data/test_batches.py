"""The stream of training images."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevoa.data import (
    Batches,
    ImageSet,
    mapped,
)


def test_an_epoch_is_every_image_once_in_an_order_of_its_own(few_images: ImageSet) -> None:
    batches = Batches(few_images, seed=0)
    first, second = batches.indices(0, 20), batches.indices(20, 20)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(20))
    assert first.tolist() != second.tolist()
    assert first.tolist() != Batches(few_images, seed=1).indices(0, 20).tolist()


def test_balanced_batches_have_as_many_images_of_each_class_that_has_some() -> None:
    labels = np.array([0] * 30 + [2] * 3)
    pixels = np.arange(33, dtype=np.uint8)[:, None, None, None].repeat(4, 1)
    images = ImageSet.of("uneven", pixels, labels, ["a", "empty", "b"])
    counts = np.bincount(Batches(images, 0, balance=True).take(0, 90).labels).tolist()
    assert counts == [45, 0, 45]
    counts = np.bincount(Batches(images, 0).take(0, 66).labels).tolist()
    assert counts == [60, 0, 6]


@pytest.mark.slow
@given(cuts=st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_the_stream_does_not_depend_on_how_it_is_cut(cuts: list[int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), dtype=np.uint8)
    images = ImageSet.of("noise", pixels, np.zeros(20, np.int64), ["a"])
    whole = Batches(images, seed=0, augment={"flip": 0.5}).take(0, sum(cuts)).images
    batches, first = Batches(images, seed=0, augment={"flip": 0.5}), 0
    for count in cuts:
        np.testing.assert_array_equal(batches.take(first, count).images, whole[first : first + count])
        first += count


def test_half_of_the_images_are_mirrored_and_the_set_is_left_alone(few_images: ImageSet) -> None:
    before = few_images.images.copy()
    plain, flipped = (Batches(few_images, 0, augment).take(0, 2000).images for augment in ({}, {"flip": 0.5}))
    mirrored = (flipped == plain[:, :, ::-1]).all((1, 2, 3))
    same = (plain == flipped).all((1, 2, 3))
    assert (mirrored ^ same).all()
    assert 900 < int(mirrored.sum()) < 1100
    np.testing.assert_array_equal(few_images.images, before)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux counts the pages of a process there")
def test_a_process_does_not_grow_by_the_images_it_has_seen(tmp_path: Path) -> None:
    """A hundred megabytes of images, all of them read: few of them are held."""
    pixels = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (33_000, 32, 32, 3))
    pixels[:] = 7
    pixels.flush()
    images = ImageSet("sevens", mapped(tmp_path / "x.npy"), np.zeros(33_000, np.int64), (), "")
    del pixels

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    batches = Batches(images, seed=0, augment={"flip": 0.5})
    batches.take(0, 100)
    before = resident()
    for first in range(0, 33_000, 100):
        assert batches.take(first, 100).images.max() == 7
    assert resident() - before < 20_000_000
