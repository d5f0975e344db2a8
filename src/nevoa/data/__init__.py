"""Load images as one uint8 array with labels, and turn it into batches."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nevoa.data.cache import cache_folder
from nevoa.data.catalog import CATALOG, Dataset
from nevoa.data.changes import changed_files
from nevoa.data.decode import WHITE, Size, fitted, opaque, picture_of, pixels_of, read_image, size_in_words
from nevoa.data.find import DataSource, images_beside, is_path, same_source, short_name
from nevoa.data.given import Picture, opened
from nevoa.data.held_out import choosing_and_scoring, choosing_count
from nevoa.data.hub import is_hub
from nevoa.data.listing import Notes
from nevoa.data.load import flips, image_at, load_images, load_scoring_images, load_test_images, loading, read_unchanged
from nevoa.data.names import printable
from nevoa.data.reading import sides_of
from nevoa.data.selection import label_of, labels_of
from nevoa.data.sources.arrays import mapped
from nevoa.data.splits import TRAIN
from nevoa.data.store import ImageSet

if TYPE_CHECKING:
    from nevoa.data.batches import Batches
    from nevoa.data.objects import as_image_set
    from nevoa.data.pixels import to_bytes, to_unit

__all__ = [
    "CATALOG",
    "TRAIN",
    "WHITE",
    "Batches",
    "DataSource",
    "Dataset",
    "ImageSet",
    "Notes",
    "Picture",
    "Size",
    "as_image_set",
    "cache_folder",
    "changed_files",
    "choosing_and_scoring",
    "choosing_count",
    "fitted",
    "flips",
    "image_at",
    "images_beside",
    "is_hub",
    "is_path",
    "label_of",
    "labels_of",
    "load_images",
    "load_scoring_images",
    "load_test_images",
    "loading",
    "mapped",
    "opaque",
    "opened",
    "picture_of",
    "pixels_of",
    "printable",
    "read_image",
    "read_unchanged",
    "same_source",
    "short_name",
    "sides_of",
    "size_in_words",
    "to_bytes",
    "to_unit",
]

# Looked up on first use, so that `nevoa data` does not wait for torch.
_TENSORS = {
    "Batches": "nevoa.data.batches",
    "as_image_set": "nevoa.data.objects",
    "to_bytes": "nevoa.data.pixels",
    "to_unit": "nevoa.data.pixels",
}


def __getattr__(name: str) -> Any:
    if name not in _TENSORS:
        raise AttributeError(f"module 'nevoa.data' has no attribute '{name}'")
    return getattr(import_module(_TENSORS[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_TENSORS})
