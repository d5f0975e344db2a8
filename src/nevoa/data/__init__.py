"""From files to one uint8 array and its labels, then to batches."""

from nevoa.data.alike import read_alike
from nevoa.data.arrays import mapped
from nevoa.data.batches import Batches
from nevoa.data.catalog import CATALOG
from nevoa.data.choice import Choice, label_of
from nevoa.data.decode import WHITE, Size, fitted, picture_of, pixels_of, read_image, size_in_words
from nevoa.data.listing import Bad
from nevoa.data.opening import flips, image_at, open_source, opening, parse_index
from nevoa.data.pixels import to_bytes, to_unit
from nevoa.data.prepare import Progress
from nevoa.data.sources import is_path, short_name
from nevoa.data.splits import TRAIN
from nevoa.data.store import ImageSet, Notes, cache_folder

__all__ = [
    "CATALOG",
    "TRAIN",
    "WHITE",
    "Bad",
    "Batches",
    "Choice",
    "ImageSet",
    "Notes",
    "Progress",
    "Size",
    "cache_folder",
    "fitted",
    "flips",
    "image_at",
    "is_path",
    "label_of",
    "mapped",
    "open_source",
    "opening",
    "parse_index",
    "picture_of",
    "pixels_of",
    "read_alike",
    "read_image",
    "short_name",
    "size_in_words",
    "to_bytes",
    "to_unit",
]
