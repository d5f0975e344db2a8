"""Images in a notebook."""

import numpy as np
import pytest
import torch

import nevoa
from nevoa.errors import NevoaError
from nevoa.pictures import grid, titled_grid

IMAGES = np.random.default_rng(0).integers(0, 255, (6, 5, 4, 3), dtype=np.uint8)


def test_every_form_of_the_same_images_is_the_same_picture() -> None:
    expected = grid(IMAGES)
    for form in (IMAGES, list(IMAGES), torch.from_numpy(IMAGES)):
        assert nevoa.show(form) == expected
    gray = IMAGES[..., 0]
    assert nevoa.show(gray) == nevoa.show(gray[..., None]) == nevoa.show(list(gray))
    assert nevoa.show(IMAGES[0]) == grid(IMAGES[:1])
    assert nevoa.show(gray[0]) == grid(gray[:1, ..., None])


def test_columns_and_titles() -> None:
    assert nevoa.show(IMAGES, columns=2) == grid(IMAGES, columns=2)
    assert nevoa.show(IMAGES, range(6), 2) == titled_grid(IMAGES, list("012345"), 2)
    assert nevoa.show(IMAGES, map(str, range(6)), 2) == titled_grid(IMAGES, list("012345"), 2)
    for wrong in (0, -1):
        with pytest.raises(NevoaError, match="columns must be a whole number from 1"):
            nevoa.show(IMAGES, columns=wrong)


def test_a_notebook_displays_it() -> None:
    assert (nevoa.show(IMAGES)._repr_png_() or b"").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.astype(np.float32), "uint8, not float32: convert"),
        (torch.zeros(2, 4, 4, 3, requires_grad=True), "uint8, not float32: convert"),
        (torch.zeros(2, 4, 4, 3, dtype=torch.bfloat16), "uint8, not bfloat16: convert"),
        (IMAGES[..., :2], r"1 or 3 channels, not \[6, 5, 4, 2\]"),
        (IMAGES[:0], r"not \[0, 5, 4, 3\]"),
        ([IMAGES[0], IMAGES[0, :3]], "different shapes"),
        ("cat.png", "uint8, not <U7"),
    ],
)
def test_what_is_no_image_is_refused(images: object, message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        nevoa.show(images)


def test_titles_are_as_many_as_images() -> None:
    with pytest.raises(NevoaError, match="6 images and 2 titles"):
        nevoa.show(IMAGES, ["a", "b"])
