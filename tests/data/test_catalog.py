"""The catalogue of named data sets."""

import pytest

from nevoa.data import CATALOG, load_images
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
