"""idx files, the format of MNIST."""

import gzip
import math
import re
import zlib
from pathlib import Path

import numpy as np

from nevoa.data.listing import HARMLESS_BYTES, HIGHEST_RATIO, Listing, of_arrays
from nevoa.errors import NevoaError, reason

WORDS = {"train": {"train"}, "test": {"t10k", "test"}}


def is_idx(path: Path) -> bool:
    """Whether a file is an idx file, by a name such as `train-images-idx3-ubyte.gz`."""
    return "idx" in path.name and path.name.removesuffix(".gz").endswith("ubyte")


def list_idx(path: Path) -> Listing:
    """List the images of an idx file, with the labels beside it if they exist."""
    images = read_idx(path)
    if images.ndim != 3 or 0 in images.shape:
        raise NevoaError(f"{path} holds {list(images.shape)}; images must be [N, H, W].")
    beside = labels_beside(path)
    labels = read_idx(beside) if beside else None
    if labels is not None and labels.shape != images.shape[:1]:
        raise NevoaError(f"{beside} holds {len(labels):,} labels, but {path.name} holds {len(images):,} images.")
    return of_arrays(images[..., None], labels)


def labels_beside(path: Path) -> Path | None:
    """Return the file of labels that belongs to a file of images, or None."""
    plain = path.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    names = [name for name in (plain, f"{plain}.gz") if name != path.name]
    return next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)


def in_folder(folder: Path, split: str) -> Path | None:
    """Return the idx file of a split's images in a folder, or None."""
    wanted = WORDS.get(split, {split})
    words = {path: {*re.split(r"[^a-z0-9]+", path.name.lower())} for path in folder.iterdir() if is_idx(path)}
    found = [path for path, said in words.items() if wanted & said and "images" in said and path.is_file()]
    if len({path.name.removesuffix(".gz") for path in found}) > 1:
        names = " and ".join(path.name for path in sorted(found)[:2])
        raise NevoaError(f"{folder} holds several idx files of images, such as {names}: give one of them.")
    return min(found, default=None)


def read_idx(path: Path) -> np.ndarray:
    """Read an idx file of bytes, gzipped or not: two zeros, type 8, the number of axes, their lengths, values."""
    try:
        with path.open("rb") as raw:
            file = gzip.GzipFile(fileobj=raw) if raw.peek(2).startswith(b"\x1f\x8b") else raw
            start = file.read(4)
            axes = start[3] if start[:3] == b"\0\0\x08" and len(start) == 4 else 0
            lengths = file.read(4 * axes)
            if not 1 <= axes <= 3 or len(lengths) < 4 * axes:
                raise ValueError("it is not an idx file of bytes")
            shape = np.frombuffer(lengths, ">u4").tolist()
            count = math.prod(shape)
            if count > max(HARMLESS_BYTES, HIGHEST_RATIO * path.stat().st_size):
                raise ValueError(f"its header says {count:,} values, more than it can hold")
            values = np.frombuffer(file.read(count + 1), np.uint8)
            if len(values) != count:
                found = f"{len(values)} values" if len(values) < count else "more values"
                raise ValueError(f"it holds {found}, but its header says {count}")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise NevoaError(f"Cannot read {path}: {reason(error)}.") from error
    return values.reshape(shape)
