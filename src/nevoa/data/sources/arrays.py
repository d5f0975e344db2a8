""".npy and .npz files; no pickle is ever loaded."""

import mmap
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from nevoa.data.listing import HARMLESS_BYTES, HIGHEST_RATIO, Listing, of_arrays
from nevoa.data.names import printable
from nevoa.data.splits import TRAIN, split_in
from nevoa.errors import NevoaError, reason

MAGIC = b"\x93NUMPY"
OF_OBJECTS = "it holds Python objects, which nevoa never loads; save numbers"
# Enough to tell the range of the values of an array that may not fit in memory.
LOOKED_AT = 1_000
LABEL_NAMES = "labels", "label", "y", "targets"
LABEL_WORDS = {*LABEL_NAMES, "target", "class", "classes"}
# The names of arrays of pictures that belong to images.
PICTURES = re.compile("pictures(_train|_test)?")


def mapped(path: Path) -> np.ndarray:
    """Memory-map the array of a .npy file. An OSError if there is no file, a ValueError if it is not an array.

    Example:
        >>> np.save("images.npy", images)
        >>> mapped(Path("images.npy")).shape
        (16, 28, 28, 1)
    """
    with path.open("rb") as file:
        if not file.read(len(MAGIC)).startswith(MAGIC):
            raise ValueError("it does not begin like one, so it is damaged or another kind of file")
    try:
        with warnings.catch_warnings(action="ignore"):  # numpy warns of files from Python 2
            return np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:  # numpy evaluates headers with Python's parser, which raises errors of many kinds
        raise ValueError(OF_OBJECTS if "Python objects" in str(error) else reason(error)) from error


def give_back(array: np.ndarray) -> None:
    """Release the pages of a memory-mapped array that were read; otherwise a process grows by all it has seen.

    They stay in the system's cache. Does nothing where the system has no MADV_DONTNEED.
    """
    mapping = getattr(array, "_mmap", None)
    if isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def list_array(path: Path) -> Listing:
    try:
        images = mapped(path)
    except (OSError, ValueError) as error:
        raise NevoaError(f"{path} is not an .npy array of images: {reason(error)}.") from error
    return of_arrays(checked_images(images, str(path)))


def list_arrays(path: Path, split: str) -> Listing:
    """List the images of a .npz file, with its `labels` and `pictures` if it has them.

    Of several arrays of images, such as x_train and x_test, take that of the split. A NevoaError unless there is one.
    """
    arrays = _load(path)
    drawn = [name for name, array in arrays.items() if PICTURES.fullmatch(name) and array.ndim in (3, 4)]
    found = _of_images({name: array for name, array in arrays.items() if name not in drawn})
    if not found:
        found, drawn = _of_images(arrays), []
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
    pictures = [_pictures(arrays[name], len(images), f"{path}, array '{name}',") for name in drawn if name in arrays]
    if drawn and len(pictures) != 1:
        raise NevoaError(f"{path} must hold one array of pictures for each split: pictures_train and pictures_test.")
    return replace(of_arrays(images, labels), pictures=next(iter(pictures), None))


def _pictures(pictures: np.ndarray, count: int, where: str) -> Listing:
    """The pictures that belong to so many images. An error calls them `where`."""
    if len(pictures) != count:
        raise NevoaError(f"{where} holds {len(pictures):,} pictures for {count:,} images: save one for each image.")
    return of_arrays(checked_images(pictures, where))


def _of_images(arrays: Mapping[str, np.ndarray]) -> list[str]:
    """The names of arrays of images; without any, of arrays that could be images: a check says how to convert them."""
    alike = {name: array.dtype for name, array in arrays.items() if array.ndim in (3, 4)}
    found = [name for name, kind in alike.items() if kind == np.uint8]
    return found or [name for name, kind in alike.items() if kind.kind in "bif"]


def checked_images(images: np.ndarray, where: str) -> UInt8[np.ndarray, "N H W C"]:
    """Return an array of images with an axis for channels. A NevoaError if it is not one calls it `where`."""
    shape = images.shape if images.ndim == 4 else (*images.shape, 1)
    found = f"{where} holds {images.dtype} {list(images.shape)}"
    if images.ndim == 3 and images.shape[2] == 3:
        raise NevoaError(f"{found}, which looks like one image; images must be [N, H, W, C].")
    first = images.ndim == 4 and images.shape[1] in (1, 3)
    channels = shape[1] if first else shape[-1]
    if images.ndim not in (3, 4) or 0 in shape or channels > 4 or images.dtype.kind not in "buif":
        raise NevoaError(f"{found}; images must be uint8 (0…255) [N, H, W, C] with 1 to 4 channels, or [N, H, W].")
    if images.dtype != np.uint8 or first:
        kind = f"{images.dtype}{' with channels first' * first}"
        raise NevoaError(
            f"{found}; images must be uint8 (0…255) [N, H, W, C], not {kind}. {_conversion(images, first)}."
        )
    return images.reshape(shape)


def _conversion(images: np.ndarray, channels_first: bool) -> str:
    """The sentence that says how to convert images of other types, by the range of their values."""
    values = images[:LOOKED_AT]
    low, high = float(values.min()), float(values.max())
    if images.dtype.kind == "b":
        code = "np.uint8(255 * images)"
    elif images.dtype.kind in "ui" and low >= 0 and high <= 255:
        code = "np.uint8(images)"
    elif low >= 0 and high <= 1:
        code = "np.uint8(255 * images + 0.5)"
    elif low >= -1 and high <= 1:
        code = "np.uint8(127.5 * images + 128)"
    elif low >= 0 and high <= 255:
        code = "np.uint8(images + 0.5)"
    else:
        return f"Its values are {low:.4g} to {high:.4g}: scale them to 0…255 and convert them to uint8"
    return f"Convert them: images = {code}{'.transpose(0, 2, 3, 1)' * channels_first}"


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
        why = OF_OBJECTS if "allow_pickle" in str(error) else reason(error)
        raise NevoaError(f"{path} is not an .npz file of images: {why}.") from error


def _check_member(member: zipfile.ZipInfo) -> None:
    """A ValueError if unpacking could fill the memory; numpy reads no more than the member holds."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"the compression of {member.filename} is not supported")
    if member.file_size > max(HARMLESS_BYTES, HIGHEST_RATIO * member.compress_size):
        raise ValueError(f"{member.filename} would unpack to more than {HIGHEST_RATIO} times its size")
