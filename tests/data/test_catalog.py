"""The catalogue of named data sets."""

import numpy as np
import pytest

from nevoa.config.registry import register
from nevoa.data import CATALOG, Dataset, as_image_set, load_images
from nevoa.errors import NevoaError


@pytest.mark.parametrize("name", CATALOG)
def test_the_catalogue_is_whole(name: str) -> None:
    row = CATALOG[name]
    assert "train" in row.counts
    assert row.where and row.licence


@pytest.mark.parametrize(("name", "split"), [("fashion_mnist_10k", "test"), ("digits", "x"), ("shapes", "validation")])
def test_a_split_that_a_data_set_of_this_machine_lacks_is_refused(name: str, split: str) -> None:
    with pytest.raises(NevoaError, match=f"has no split '{split}': choose train"):
        load_images(name, split=split)


@pytest.mark.usefixtures("registered")
def test_what_a_plugin_says_of_its_images_is_kept() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    captions, ages = [f"caption {number}" for number in range(6)], np.arange(6.0)
    made = as_image_set(pixels, [0, 1] * 3, captions=captions, numbers={"age": ages}, pictures=255 - pixels[..., :1])
    register("dataset", "mine", Dataset({"train": 6}, 3, (8, 8), "CC0", images=lambda split: made))
    images = load_images("mine")
    assert images.captions == made.captions
    assert (images.numbers["age"] == ages).all()
    assert images.pictures is not None and (images.pictures == made.pictures).all()
    assert (images.images == pixels).all() and images.labels.tolist() == [0, 1] * 3
