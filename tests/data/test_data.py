"""Sources, the store, and the stream of batches."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nevoa.data import (
    CATALOG,
    Batches,
    ImageSet,
    fitted,
    load_images,
    mapped,
    parse_index,
    read_image,
    to_bytes,
    to_unit,
)
from nevoa.data.sources import builtin as fm
from nevoa.data.sources import idx
from nevoa.errors import NevoaError

REQUIRED = os.environ.get("NEVOA_REQUIRE_FASHION_MNIST") == "1"
needs_debian = pytest.mark.skipif(
    not REQUIRED and not fm.DEBIAN_FOLDER.is_dir(), reason="apt install dataset-fashion-mnist"
)


def test_all_256_pixel_values_survive_the_round_trip() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    x = to_unit(pixels)
    assert (float(x.min()), float(x.max())) == (-1, 1)
    np.testing.assert_array_equal(to_bytes(x), pixels)


def test_what_lies_outside_is_clamped() -> None:
    x = torch.tensor([-9.0, -1.0, 0.0, 1.0, 9.0]).view(1, 1, 1, 5)
    assert to_bytes(x).flatten().tolist() == [0, 0, 128, 255, 255]


def test_embedded_images_are_a_thousand_of_each_class() -> None:
    images = load_images("fashion_mnist_10k")
    assert images.images.shape == (10_000, 28, 28, 1)
    assert np.bincount(images.labels).tolist() == [1000] * 10
    assert isinstance(images.images, np.memmap)
    assert images.classes == CATALOG["fashion_mnist_10k"].classes


@needs_debian
def test_the_sheets_are_the_first_thousand_training_images_of_each_class() -> None:
    embedded, complete = load_images("fashion_mnist_10k"), load_images("fashion_mnist")
    for label in range(10):
        expected = complete.images[np.flatnonzero(complete.labels == label)[:1000]]
        np.testing.assert_array_equal(embedded.images[embedded.labels == label], expected)


@needs_debian
def test_the_complete_set_is_complete() -> None:
    train, test = load_images("fashion_mnist"), load_images("fashion_mnist", split="test")
    assert (len(train), len(test)) == (60_000, 10_000)
    assert np.bincount(train.labels).tolist() == [6000] * 10
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert train.fingerprint != test.fingerprint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip", "Cannot read"),
        (gzip.compress(b"\x00\x00\x08\x01\x00\x00\x00\x05abc"), "holds 3 values, but its header says 5"),
        (gzip.compress(b"\x00\x00\x0d\x01\x00\x00\x00\x05abc"), "not an idx file"),
        (gzip.compress(b"\x00\x00\x08\x03\x00"), "not an idx file"),
    ],
    ids=["no gzip", "too short", "fractions", "no header"],
)
def test_a_broken_idx_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(NevoaError, match=message):
        idx.read_idx(path)


@pytest.mark.parametrize("change", ["images", "labels", "classes"])
def test_the_fingerprint_sees_every_part(few_images: ImageSet, change: str) -> None:
    parts = {"images": few_images.images, "labels": few_images.labels, "classes": few_images.classes}
    parts["images" if change == "images" else "labels"] = (
        parts["images" if change == "images" else "labels"] + (change != "classes")
    ).astype(np.uint8 if change == "images" else np.int64)
    classes = ["x", "y", "z", "w"] if change == "classes" else list(few_images.classes)
    other = ImageSet.of("noise", parts["images"], parts["labels"], classes)  # pyright: ignore[reportArgumentType]
    assert other.fingerprint != few_images.fingerprint


def test_an_epoch_is_every_image_once_in_an_order_of_its_own(few_images: ImageSet) -> None:
    batches = Batches(few_images, seed=0, flip=False)
    first, second = batches.indices(0, 20), batches.indices(20, 20)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(20))
    assert first.tolist() != second.tolist()
    assert first.tolist() != Batches(few_images, seed=1, flip=False).indices(0, 20).tolist()


@given(cuts=st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_the_stream_does_not_depend_on_how_it_is_cut(cuts: list[int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), dtype=np.uint8)
    images = ImageSet.of("noise", pixels, np.zeros(20, np.int64), ["a"])
    whole = Batches(images, seed=0, flip=True).batch(0, sum(cuts))
    batches, first = Batches(images, seed=0, flip=True), 0
    for count in cuts:
        torch.testing.assert_close(batches.batch(first, count), whole[first : first + count], rtol=0, atol=0)
        first += count


def test_half_of_the_images_are_mirrored_and_the_set_is_left_alone(few_images: ImageSet) -> None:
    before = few_images.images.copy()
    plain, flipped = (Batches(few_images, 0, flip).batch(0, 2000) for flip in (False, True))
    mirrored = torch.tensor([bool((a == b.flip(-1)).all()) for a, b in zip(plain, flipped, strict=True)])
    same = (plain == flipped).flatten(1).all(1)
    assert bool((mirrored ^ same).all())
    assert 900 < int(mirrored.sum()) < 1100
    np.testing.assert_array_equal(few_images.images, before)


def test_resizing_keeps_proportions_and_cuts_the_middle() -> None:
    """A wide image of three bands, left to right: the middle one is what remains."""
    bands = np.repeat(np.array([0, 100, 200], np.uint8), 30)[None].repeat(30, axis=0)
    result = np.asarray(fitted(Image.fromarray(bands), (10, 10)))
    assert result.shape == (10, 10)
    assert (result[:, 3:-3] == 100).all()


def test_a_resized_source_has_that_size() -> None:
    assert load_images("fashion_mnist_10k", size=(16, 16)).shape == (1, 16, 16)


def test_a_photograph_is_read_as_it_is_seen(tmp_path: Path) -> None:
    """A camera that was turned says so in the file: the picture stands upright. What is transparent is white."""
    picture = Image.new("RGB", (8, 4), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").size == (4, 8)
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_image(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("fashion_mnist:7", ("fashion_mnist", 7)), ("cat.png", None), (":7", None), ("a:b", None), ("a:-1", None)],
)
def test_source_and_index(text: str, expected: tuple[str, int] | None) -> None:
    assert parse_index(text) == expected


def test_an_unknown_source_names_the_nearest() -> None:
    with pytest.raises(NevoaError, match="Did you mean 'fashion_mnist_10k'"):
        load_images("fashion_mnist_10")


def test_labels_are_those_of_the_images_in_their_places(few_images: ImageSet) -> None:
    batches = Batches(few_images, seed=0, flip=True)
    labels = batches.labels(7, 40)
    assert labels.dtype == torch.int64
    assert labels.tolist() == few_images.labels[batches.indices(7, 40)].tolist()
    assert labels[:13].tolist() != few_images.labels[7:].tolist()


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

    batches = Batches(images, seed=0, flip=True)
    batches.batch(0, 100)
    before = resident()
    for first in range(0, 33_000, 100):
        assert float(batches.batch(first, 100).max()) == float(to_unit(np.full((1, 1, 1, 1), 7, np.uint8)))
    assert resident() - before < 20_000_000
