"""From files to one uint8 array and its labels, then to batches."""

from nevoa.data.batches import Batches
from nevoa.data.catalog import CATALOG
from nevoa.data.decode import WHITE, Size, fitted, picture_of, pixels_of, read_image, size_in_words
from nevoa.data.listing import Bad
from nevoa.data.load import (
    check_strict,
    flips,
    image_at,
    load_images,
    load_test_images,
    loading,
    open_source,
    opening,
    parse_index,
    selection_of,
)
from nevoa.data.pixels import to_bytes, to_unit
from nevoa.data.prepare import Progress
from nevoa.data.selection import Selection, label_of
from nevoa.data.sources.arrays import mapped
from nevoa.data.sources.find import is_path, short_name
from nevoa.data.splits import TRAIN
from nevoa.data.store import ImageSet, Notes, cache_folder
from nevoa.data.unchanged import read_unchanged

__all__ = [
    "CATALOG",
    "TRAIN",
    "WHITE",
    "Bad",
    "Batches",
    "ImageSet",
    "Notes",
    "Progress",
    "Selection",
    "Size",
    "cache_folder",
    "check_strict",
    "fitted",
    "flips",
    "image_at",
    "is_path",
    "label_of",
    "load_images",
    "load_test_images",
    "loading",
    "mapped",
    "open_source",
    "opening",
    "parse_index",
    "picture_of",
    "pixels_of",
    "read_image",
    "read_unchanged",
    "selection_of",
    "short_name",
    "size_in_words",
    "to_bytes",
    "to_unit",
]
