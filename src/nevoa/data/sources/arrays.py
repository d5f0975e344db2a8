""".npy and .npz files, read with care."""

import io
import math
import mmap
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from nevoa.data.listing import HARMLESS_BYTES, HIGHEST_RATIO, Listing, numbered, of_arrays
from nevoa.data.names import printable
from nevoa.data.splits import TRAIN, split_in
from nevoa.errors import NevoaError, reason

LABEL_NAMES = "labels", "label", "y", "targets"
LABEL_WORDS = {*LABEL_NAMES, "target", "class", "classes"}
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def mapped(path: Path) -> np.ndarray:
    """The array in a .npy file, memory-mapped: its header is held against its length before anything is allocated.

    An OSError if there is no file, a ValueError if it is no array.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # that a file was made by Python 2
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # a header is read by Python's own tokenizer and parser, with all that these raise
        raise ValueError(reason(error)) from error
    if not isinstance(array, np.ndarray):
        raise ValueError("it holds several arrays")
    return array


def give_back(array: np.ndarray) -> None:
    """Let go of what was read of a memory-mapped array: it stays in the system's cache, where there is room.

    Otherwise a process grows by all that it has seen of its data.
    """
    mapping = getattr(array, "_mmap", None)
    if isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def images_in(path: Path) -> UInt8[np.ndarray, "N H W C"]:
    """The images of a .npy file, memory-mapped. A NevoaError says what is wrong with them."""
    try:
        images = mapped(path)
    except FileNotFoundError as error:
        raise NevoaError(f"There is no file or folder {path}.") from error
    except (OSError, ValueError) as error:
        raise NevoaError(f"{path} is not an .npy array of images: {reason(error)}") from error
    return _images(path, images)


def list_array(path: Path) -> Listing:
    """The images of a .npy file."""
    return of_arrays(images_in(path), None)


def list_arrays(path: Path, split: str) -> Listing:
    """The images of a .npz file, with its `labels` if it has them.

    Of several arrays of images, as x_train and x_test, that of the split. A NevoaError if there is none, or not one.
    """
    arrays = _members(path)
    found = [name for name, array in arrays.items() if array.dtype == np.uint8 and array.ndim in (3, 4)]
    if len(found) > 1 or split != TRAIN:
        arrays = {name: array for name, array in arrays.items() if split_in(name) == split}
    candidates = [name for name in found if name in arrays]
    if len(candidates) != 1:
        names = f": {', '.join(map(printable, found))}" if found else ""
        raise NevoaError(
            f"{path} holds {len(found)} arrays of images (uint8 [N, H, W, C] or [N, H, W]){names}. For split '{split}' "
            f"there has to be one, and there are {len(candidates)}."
        )
    images = _images(path, arrays[candidates[0]])
    labels = _labels_among(arrays, len(images))
    if labels is not None and (labels.dtype.kind not in "iuU" or labels.size != len(images)):
        raise NevoaError(f"The labels in {path} are not one whole number, or one word, for each image.")
    return of_arrays(images, *numbered(labels))


def _labels_among(arrays: Mapping[str, np.ndarray], count: int) -> np.ndarray | None:
    """By its name: one of the usual ones, else such as `y_train` if it can be."""
    alike = (name for name, array in arrays.items() if array.dtype.kind in "iuU" and array.size == count)
    names = [*LABEL_NAMES, *(name for name in alike if LABEL_WORDS & {*re.split(r"[^a-z]+", name.lower())})]
    return next((arrays[name] for name in names if name in arrays), None)


def _members(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                member.filename.removesuffix(".npy"): _member(archive, member)
                for member in archive.infolist()
                if member.filename.endswith(".npy")
            }
    except FileNotFoundError as error:
        raise NevoaError(f"There is no file or folder {path}.") from error
    except Exception as error:  # zipfile and its decompressors raise a dozen kinds
        raise NevoaError(f"{path} is not an .npz file: {reason(error)}.") from error


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is packed in a way that is not read")
    if member.file_size > max(HARMLESS_BYTES, HIGHEST_RATIO * member.compress_size):
        raise ValueError(f"{member.filename} would unpack to more than {HIGHEST_RATIO} times its size")
    content = io.BytesIO(archive.read(member))
    # The header of an array may say anything: it is held against what is there before anything is allocated.
    read_header = HEADERS[np.lib.format.read_magic(content)]
    with warnings.catch_warnings(action="ignore"):
        shape, in_columns, dtype = read_header(content)
    if math.prod(shape) * dtype.itemsize > len(content.getbuffer()):
        raise ValueError(f"{member.filename} does not hold what its header says")
    values = np.frombuffer(content.read(), dtype, math.prod(shape))
    return values.reshape(shape, order="F" if in_columns else "C")


def _images(path: Path, images: np.ndarray) -> UInt8[np.ndarray, "N H W C"]:
    shape = images.shape if images.ndim == 4 else (*images.shape, 1)
    if images.ndim == 3 and images.shape[2] == 3:
        raise NevoaError(f"{path} holds {list(images.shape)}, which looks like one image; images are [N, H, W, C].")
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or 0 in shape or shape[3] > 4:
        found = f"{images.dtype} {list(images.shape)}"
        raise NevoaError(f"{path} holds {found}; images are uint8 [N, H, W, C] with 1 to 4 channels, or [N, H, W].")
    return images.reshape(shape)
