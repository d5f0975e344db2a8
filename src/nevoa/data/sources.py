"""From what a user names to an ImageSet."""

import numpy as np

from nevoa.data.catalog import CATALOG
from nevoa.data.decode import picture_of, pixels_of, square
from nevoa.data.store import ImageSet, Split, stored
from nevoa.errors import NevoaError, unknown


def open_source(source: str, split: Split = "train", size: int | None = None) -> ImageSet:
    """The images that `source` names, memory-mapped; decoded and resized once, then kept.

    Args:
        size: resize the shorter side to it and crop the centre; None keeps the images' own size.
    """
    if source not in CATALOG:
        raise unknown("dataset", source, CATALOG)
    native = stored(f"{source}-{split}", lambda: CATALOG[source].load(split))
    if size is None or native.shape[1:] == (size, size):
        return native
    return stored(f"{source}-{split}-{size}", lambda: _resized(native, size))


def parse_index(source: str) -> tuple[str, int] | None:
    """`fashion_mnist:7` -> its name and 7; None for what is not of that form."""
    name, colon, index = source.rpartition(":")
    return (name, int(index)) if name and colon and index.isdecimal() else None


def image_at(source: str, index: int) -> np.ndarray:
    """One image of a source, uint8 `[H, W, C]`."""
    images = open_source(source)
    if index >= len(images):
        raise NevoaError(f"{source} has images 0 to {len(images) - 1}; there is no {index}.")
    return images.images[index]


def _resized(images: ImageSet, size: int) -> ImageSet:
    pixels = np.stack([pixels_of(square(picture_of(image), size)) for image in images.images])
    return ImageSet.of(images.name, pixels, images.labels, images.classes)
