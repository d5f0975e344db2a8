""".npy files, read with care."""

import warnings
from pathlib import Path

import numpy as np


def mapped(path: Path) -> np.ndarray:
    """The array in a file, memory-mapped: its header is held against its length before anything is allocated.

    An OSError if there is no file, a ValueError if it is no array.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # that a file was made by Python 2
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # a header is read by Python's own tokenizer and parser, with all that these raise
        raise ValueError(str(error).partition("\n")[0] or type(error).__name__) from error
    if not isinstance(array, np.ndarray):
        raise ValueError("it holds several arrays")
    return array
