""".npy and .npz files; no pickle is ever loaded."""

import mmap
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from nevoa.data.listing import HARMLESS_BYTES, HIGHEST_RATIO, Listing, of_arrays
from nevoa.data.names import printable
from nevoa.data.splits import TRAIN, split_in
from nevoa.errors import NevoaError, reason

LABEL_NAMES = "labels", "label", "y", "targets"
LABEL_WORDS = {*LABEL_NAMES, "target", "class", "classes"}


def mapped(path: Path) -> np.ndarray:
    """Memory-map the array of a .npy file. An OSError if there is no file, a ValueError if it is not an array."""
    try:
        with warnings.catch_warnings(action="ignore"):  # files written by Python 2
            return np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:  # numpy evaluates headers with Python's parser, which raises errors of many kinds
        raise ValueError(reason(error)) from error


def give_back(array: np.ndarray) -> None:
    """Release the pages of a memory-mapped array that were read; otherwise a process grows by all it has seen.

    They stay in the system's cache. Does nothing where the system has no MADV_DONTNEED.
    """
    mapping = getattr(array, "_mmap", None)
    if isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def list_array(path: Path) -> Listing:
    """List the images of a .npy file, memory-mapped."""
    try:
        images = mapped(path)
    except (OSError, ValueError) as error:
        raise NevoaError(f"{path} is not an .npy array of images: {reason(error)}.") from error
    return of_arrays(checked_images(images, str(path)))


def list_arrays(path: Path, split: str) -> Listing:
    """List the images of a .npz file, with its `labels` if it has them.

    Of several arrays of images, such as x_train and x_test, take that of the split. A NevoaError unless there is one.
    """
    arrays = _load(path)
    found = [name for name, array in arrays.items() if array.dtype == np.uint8 and array.ndim in (3, 4)]
    if len(found) > 1 or split != TRAIN:
        arrays = {name: array for name, array in arrays.items() if split_in(name) == split}
    candidates = [name for name in found if name in arrays]
    if len(candidates) != 1:
        names = f": {', '.join(map(printable, found))}" if found else ""
        raise NevoaError(
            f"{path} holds {len(found)} arrays of images (uint8 [N, H, W, C] or [N, H, W]){names}. Split '{split}' "
            f"needs exactly one, and has {len(candidates)}."
        )
    images = checked_images(arrays[candidates[0]], str(path))
    labels = _labels_among(arrays, len(images))
    if labels is not None and (labels.dtype.kind not in "iuU" or labels.size != len(images)):
        raise NevoaError(f"The labels in {path} must be one integer or one word for each image.")
    return of_arrays(images, labels)


def checked_images(images: np.ndarray, where: str) -> UInt8[np.ndarray, "N H W C"]:
    """Return an array of images with an axis for channels. A NevoaError if it is not one calls it `where`."""
    shape = images.shape if images.ndim == 4 else (*images.shape, 1)
    found = f"{where} holds {images.dtype} {list(images.shape)}"
    if images.ndim == 3 and images.shape[2] == 3:
        raise NevoaError(f"{found}, which looks like one image; images are [N, H, W, C].")
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] > 4:
        raise NevoaError(f"{found}, with channels first: transpose to [N, H, W, C].")
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or 0 in shape or shape[3] > 4:
        raise NevoaError(f"{found}; images are uint8 (0…255) [N, H, W, C] with 1 to 4 channels, or [N, H, W].")
    return images.reshape(shape)


def _labels_among(arrays: Mapping[str, np.ndarray], count: int) -> np.ndarray | None:
    """Find labels by their name: a usual one, else one that contains a usual word and has one value an image."""
    alike = (name for name, array in arrays.items() if array.dtype.kind in "iuU" and array.size == count)
    names = [*LABEL_NAMES, *(name for name in alike if LABEL_WORDS & {*re.split(r"[^a-z]+", name.lower())})]
    return next((arrays[name] for name in names if name in arrays), None)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                _check_member(member)
        with warnings.catch_warnings(action="ignore"), np.load(path, allow_pickle=False) as arrays:
            return {name: array for name in arrays.files if isinstance(array := arrays[name], np.ndarray)}
    except Exception as error:  # zipfile and its decompressors raise errors of a dozen kinds
        raise NevoaError(f"{path} is not an .npz file: {reason(error)}.") from error


def _check_member(member: zipfile.ZipInfo) -> None:
    """A ValueError if unpacking could fill the memory; numpy reads no more than the member holds."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"the compression of {member.filename} is not supported")
    if member.file_size > max(HARMLESS_BYTES, HIGHEST_RATIO * member.compress_size):
        raise ValueError(f"{member.filename} would unpack to more than {HIGHEST_RATIO} times its size")
