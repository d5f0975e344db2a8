"""What `nevoa data show` says of its picture."""

import numpy as np
import pytest

from nevoa.cli.sheet import row_in_words
from nevoa.data import as_image_set
from tests.evaluation.test_shares import of_classes


@pytest.mark.parametrize(("classes", "row"), [(20, "class"), (21, "of the first 20 classes")])
def test_a_row_for_each_class_or_for_the_first_twenty(classes: int, row: str) -> None:
    assert row_in_words(of_classes([2] * classes), augmented=False) == f"a row for each {row}"


def test_pairs_have_no_rows_of_classes() -> None:
    """Also where they have classes, which are not drawn."""
    pixels = np.zeros((4, 8, 8, 3), np.uint8)
    images = as_image_set(pixels, labels=[0, 0, 1, 1], pictures=pixels)
    assert row_in_words(images, augmented=False) == "each after its picture"
    assert row_in_words(as_image_set(pixels), augmented=False) == ""
