"""Data sets that need no network."""

import os

import numpy as np
import pytest

from nevoa.data import (
    load_images,
)
from nevoa.data.sources import builtin as fm

pytestmark = pytest.mark.slow

REQUIRED = os.environ.get("NEVOA_REQUIRE_FASHION_MNIST") == "1"


needs_debian = pytest.mark.skipif(
    not REQUIRED and not fm.DEBIAN_FOLDER.is_dir(), reason="apt install dataset-fashion-mnist"
)


def test_embedded_images_are_a_thousand_of_each_class() -> None:
    images = load_images("fashion_mnist_10k")
    assert images.images.shape == (10_000, 28, 28, 1)
    assert np.bincount(images.labels).tolist() == [1000] * 10
    assert isinstance(images.images, np.memmap)
    assert images.classes == fm.CLOTHES


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


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    found, train, test = load_digits(), load_images("digits"), load_images("digits", split="test")
    assert (len(train), len(test)) == (1497, 300)
    both = np.concatenate([train.images, test.images])[..., 0]
    np.testing.assert_array_equal(np.round(both / 15.9375), found.images)  # pyright: ignore[reportAttributeAccessIssue]
    assert train.labels.tolist() + test.labels.tolist() == found.target.tolist()  # pyright: ignore[reportAttributeAccessIssue]


def test_shapes_of_any_size_can_be_told_apart() -> None:
    """Each is there, of one colour on another; a shape fills the share of its box that geometry says."""
    images = load_images("shapes", size=(64, 64), limit=1000)
    filled = np.zeros(5)
    for image, label in zip(images.images.astype(int), images.labels, strict=True):
        inside = np.abs(image - image[0, 0]).sum(2) > 60
        assert inside.any()
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        box = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        filled[label] += box.mean() / (images.labels == label).sum()
    circle, square, triangle, star, ring = filled
    assert circle == pytest.approx(np.pi / 4, abs=0.03)
    assert ring < circle < 1
    assert star < triangle < square
    assert load_images("shapes", size=(20, 50), limit=3).shape == (3, 20, 50)


def test_shapes_for_testing_are_others() -> None:
    train, test = (load_images("shapes", split=split, limit=200) for split in ("train", "test"))
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in test.images}
