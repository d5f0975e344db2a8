"""Images that are there twice are found, and other images are not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

import nevoa.data.copies as module
from nevoa.data import ImageSet, as_image_set, load_images
from nevoa.data.copies import near_copies


def photograph(name: str) -> Image.Image:
    return Image.fromarray(getattr(data, name)())


def set_of(pictures: list[Image.Image], side: int = 64) -> ImageSet:
    return as_image_set(np.stack([np.asarray(ImageOps.fit(picture, (side, side))) for picture in pictures]))


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


@pytest.mark.parametrize("side", [12, 64])
def test_a_photograph_is_found_that_was_saved_anew_resized_or_mirrored(side: int) -> None:
    cat, coffee, face = map(photograph, ("chelsea", "coffee", "astronaut"))
    half = face.resize((face.width // 2, face.height // 2))
    images = set_of([cat, coffee, face, as_jpeg(cat, 20), half, ImageOps.mirror(coffee)], side)
    assert near_copies(images) == [(0, 3), (1, 5), (2, 4)]


@pytest.mark.parametrize("source", ["shapes", "digits", "fashion_mnist_10k"])
def test_different_images_are_no_copies(source: str) -> None:
    assert near_copies(load_images(source, limit=300)) == []


def test_a_single_image_has_no_copy_and_many_images_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    cat = photograph("chelsea")
    assert near_copies(set_of([cat])) == []
    twice = set_of([cat, cat])
    assert near_copies(twice) == [(0, 1)]
    monkeypatch.setattr(module, "MOST", 1)
    assert near_copies(twice) == []
