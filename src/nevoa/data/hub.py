"""Data sets of the Hugging Face Hub, through `datasets`."""

from typing import Any

import numpy as np

from nevoa.data.decode import pixels_of
from nevoa.data.store import Split
from nevoa.errors import NevoaError


def load(hub_id: str, split: Split, image: str, channels: int, instead: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 `[N, H, W, C]` and labels `[N]` of a split.

    Args:
        image: name of the column of images; labels are in `label`.
        instead: what a user without a network can do, for the NevoaError.
    """
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise NevoaError(f"{hub_id} is fetched from the Hugging Face Hub: install nevoa[hub]. Or {instead}.") from error
    try:
        rows = load_dataset(hub_id, split=split)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise NevoaError(f"Cannot fetch {hub_id} from the Hugging Face Hub ({reason}). Try {instead}.") from error
    return rows_to_arrays(rows, image, channels)


def rows_to_arrays(rows: Any, image: str, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a `datasets.Dataset`; one channel is luminance, three are RGB."""
    mode = "L" if channels == 1 else "RGB"
    images = np.stack([pixels_of(picture.convert(mode)) for picture in rows[image]])
    return images, np.asarray(rows["label"])
