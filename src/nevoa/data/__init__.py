"""From files to one uint8 array and its labels, then to batches."""

from nevoa.data.arrays import mapped
from nevoa.data.batches import Batches
from nevoa.data.catalog import CATALOG
from nevoa.data.decode import picture_of, pixels_of, read_image, size_in_words, square
from nevoa.data.files import read_images
from nevoa.data.pixels import to_bytes, to_unit
from nevoa.data.sources import image_at, open_source, parse_index
from nevoa.data.store import ImageSet, cache_folder

__all__ = [
    "CATALOG",
    "Batches",
    "ImageSet",
    "cache_folder",
    "image_at",
    "mapped",
    "open_source",
    "parse_index",
    "picture_of",
    "pixels_of",
    "read_image",
    "read_images",
    "size_in_words",
    "square",
    "to_bytes",
    "to_unit",
]
