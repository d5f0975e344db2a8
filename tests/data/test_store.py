"""Stores on disk and their fingerprint."""

import numpy as np
import pytest

from nevoa.data import (
    ImageSet,
)


@pytest.mark.parametrize("change", ["images", "labels", "classes"])
def test_the_fingerprint_sees_every_part(few_images: ImageSet, change: str) -> None:
    parts = {"images": few_images.images, "labels": few_images.labels, "classes": few_images.classes}
    parts["images" if change == "images" else "labels"] = (
        parts["images" if change == "images" else "labels"] + (change != "classes")
    ).astype(np.uint8 if change == "images" else np.int64)
    classes = ["x", "y", "z", "w"] if change == "classes" else list(few_images.classes)
    other = ImageSet.of("noise", parts["images"], parts["labels"], classes)  # pyright: ignore[reportArgumentType]
    assert other.fingerprint != few_images.fingerprint
