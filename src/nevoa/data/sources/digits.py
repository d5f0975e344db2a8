"""Handwritten digits of 8x8 pixels (Alpaydin and Kaynak 1998), as scikit-learn has them."""

from typing import Any

import numpy as np

from nevoa.data.listing import Listing, of_arrays
from nevoa.errors import NevoaError

COUNTS = {"train": 1_497, "test": 300}


def list_digits(split: str) -> Listing:
    """The first 1,497 digits, or the last 300: other people's hands."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise NevoaError("digits come with scikit-learn: install nevoa[digits].") from error
    if split not in COUNTS:
        raise NevoaError(f"digits has the splits train and test, no '{split}'.")
    found: Any = load_digits()
    part = slice(None, COUNTS["train"]) if split == "train" else slice(COUNTS["train"], None)
    # Ink from 0 to 16.
    images = (np.asarray(found.images[part]) * 15.9375).astype(np.uint8)
    return of_arrays(images[..., None], np.asarray(found.target[part]), [str(digit) for digit in range(10)])
