"""idx files, as MNIST and its kin come."""

import gzip
import math
import re
import zlib
from pathlib import Path

import numpy as np

from nevoa.data.listing import HARMLESS_BYTES, HIGHEST_RATIO, Listing, numbered, of_arrays
from nevoa.errors import NevoaError

WORDS = {"train": {"train"}, "test": {"t10k", "test"}}


def is_idx(path: Path) -> bool:
    """Whether a file's name says that it is an idx file: `train-images-idx3-ubyte.gz` and the like."""
    return "idx" in path.name and path.name.removesuffix(".gz").endswith("ubyte")


def list_idx(path: Path) -> Listing:
    """The images of an idx file, with the labels beside it where there are any."""
    images = read_idx(path)
    if images.ndim != 3 or 0 in images.shape:
        raise NevoaError(f"{path} holds {list(images.shape)}; images are [N, H, W].")
    beside = labels_beside(path)
    labels = read_idx(beside) if beside else None
    if labels is not None and labels.shape != images.shape[:1]:
        raise NevoaError(f"{beside} holds {len(labels):,} labels, {path.name} {len(images):,} images.")
    return of_arrays(images[..., None], *numbered(labels))


def labels_beside(path: Path) -> Path | None:
    """The file of the labels of a file of images, if it is there."""
    plain = path.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    names = [name for name in (plain, f"{plain}.gz") if name != path.name]
    return next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)


def in_folder(folder: Path, split: str) -> Path | None:
    """The idx file of a split's images in a folder, if it has one."""
    wanted = WORDS.get(split, {split})
    words = ((path, re.split(r"[^a-z0-9]+", path.name.lower())) for path in folder.iterdir() if is_idx(path))
    found = [path for path, said in words if wanted & {*said} and "images" in said and path.is_file()]
    if len({path.name.removesuffix(".gz") for path in found}) > 1:
        names = " and ".join(path.name for path in sorted(found)[:2])
        raise NevoaError(f"{folder} holds several idx files of images, as {names}: name the one that is meant.")
    return min(found, default=None)


def read_idx(path: Path) -> np.ndarray:
    """An idx file of bytes, gzipped or not: two zero bytes, type 8, number of axes, their lengths, the values."""
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as file:
            start = file.read(4)
            if start[:3] != b"\0\0\x08" or not 1 <= start[3] <= 3:
                raise ValueError("it is not an idx file of bytes")
            lengths = file.read(4 * start[3])
            if len(lengths) < 4 * start[3]:
                raise ValueError("it is not an idx file of bytes")
            shape = np.frombuffer(lengths, ">u4").tolist()
            count = math.prod(shape)
            if count > max(HARMLESS_BYTES, HIGHEST_RATIO * path.stat().st_size):
                raise ValueError(f"its header says {count:,} values, more than it can hold")
            values = np.frombuffer(file.read(count + 1), np.uint8)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise NevoaError(f"Cannot read {path}: {error}.") from error
    if len(values) != count:
        found = f"{len(values)} values" if len(values) < count else "more values"
        raise NevoaError(f"{path} holds {found}, its header says {count}.")
    return values.reshape(shape)
