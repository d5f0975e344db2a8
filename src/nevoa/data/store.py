"""Decoded images on disk, memory-mapped: decoded once, never while training."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8
from platformdirs import user_cache_path

from nevoa._util.files import published, read_json, read_lines, sha256, write_text
from nevoa.data.decode import Size
from nevoa.data.listing import Bad
from nevoa.data.sources.arrays import give_back, mapped
from nevoa.errors import NevoaError

FORMAT = 2
CARD = "about.json"
ARRAYS = "images.npy", "labels.npy"
# A file of its own: there may be very many.
BAD = "bad.jsonl"
IMAGES_AT_ONCE = 10_000


@dataclass(frozen=True)
class Notes:
    """What is known of images besides themselves.

    Attributes:
        source: what was read, as the user named it.
        bad: files that were left out, and why.
        ignored: files that are no pictures and do not claim to be.
        duplicates: files whose bytes are those of an earlier one.
        sizes: (height, width) of the smallest and the largest before they were made alike, by area.
    """

    source: str = ""
    licence: str = ""
    bad: tuple[Bad, ...] = ()
    ignored: int = 0
    duplicates: int = 0
    sizes: tuple[Size, Size] | None = None


@dataclass(frozen=True)
class ImageSet:
    """Images of one size with their labels.

    Attributes:
        name: what results say they were trained on.
        images: uint8 `[N, H, W, C]`, memory-mapped where it comes from a store.
        labels: class index of each image, 0 … len(classes) - 1; all 0 where there are no classes.
        fingerprint: sha256 of shape, pixels, labels and class names.
    """

    name: str
    images: UInt8[np.ndarray, "N H W C"]
    labels: Int64[np.ndarray, " N"]
    classes: tuple[str, ...]
    fingerprint: str
    notes: Notes = field(default_factory=Notes)

    @classmethod
    def of(cls, name: str, images: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> "ImageSet":
        """An ImageSet in memory, its fingerprint computed."""
        return cls(name, images, labels.astype(np.int64), tuple(classes), fingerprint(images, labels, classes))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, height, width, channels = self.images.shape
        return channels, height, width


def fingerprint(images: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> str:
    """sha256 of images, their labels and the names of their classes."""
    digest = hashlib.sha256(json.dumps([images.shape, list(classes)]).encode())
    for start in range(0, len(images), IMAGES_AT_ONCE):
        digest.update(np.ascontiguousarray(images[start : start + IMAGES_AT_ONCE]).data)
        give_back(images)
    digest.update(np.ascontiguousarray(labels, dtype="<i8").data)
    return digest.hexdigest()


def cache_folder() -> Path:
    """Where stores live: `NEVOA_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("NEVOA_CACHE")
    return Path(chosen) if chosen else user_cache_path("nevoa")


def write_card(folder: Path, name: str, labels: np.ndarray, classes: Sequence[str], notes: Notes) -> None:
    """What makes images.npy in a folder a store: its labels, whose it is, and the sums of both."""
    with published(folder / ARRAYS[1]) as temporary:
        np.save(temporary, labels)
    write_text(folder / BAD, "".join(json.dumps(asdict(bad)) + "\n" for bad in notes.bad))
    images = mapped(folder / ARRAYS[0])
    about = {
        "format": FORMAT,
        "name": name,
        "source": notes.source,
        "licence": notes.licence,
        "classes": list(classes),
        "shape": images.shape,
        "fingerprint": fingerprint(images, labels, classes),
        "files": {file: _mark(folder / file) for file in (*ARRAYS, BAD)},
        "ignored": notes.ignored,
        "duplicates": notes.duplicates,
        "sizes": notes.sizes,
    }
    about = json.loads(json.dumps(about))
    write_text(folder / CARD, json.dumps(about | {"sum": _sum(about)}))


def open_store(folder: Path) -> ImageSet:
    """The images that a folder keeps, memory-mapped. A NevoaError if they are damaged, or were changed since."""
    try:
        about = read_json(folder / CARD)
        if about.pop("sum", None) != _sum(about) or about["format"] != FORMAT:
            raise ValueError(f"{CARD} was changed")
        for name in (*ARRAYS, BAD):
            _check(folder / name, about["files"][name])
        images, labels = (mapped(folder / name) for name in ARRAYS)
        classes = tuple(map(str, about["classes"]))
        if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape:
            raise ValueError("images are uint8 [N, H, W, C]")
        if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
            raise ValueError("labels are one number an image")
        if not 0 <= labels.min() <= labels.max() < max(1, len(classes)):
            raise ValueError("a label is no class")
        bad = tuple(Bad(str(line["name"]), str(line["reason"])) for line in read_lines(folder / BAD))
        counts, (smallest, largest) = (int(about["ignored"]), int(about["duplicates"])), about["sizes"]
        notes = Notes(about["source"], about["licence"], bad, *counts, (tuple(smallest), tuple(largest)))
        return ImageSet(str(about["name"]), images, np.array(labels), classes, str(about["fingerprint"]), notes)
    except (NevoaError, OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise NevoaError(f"The image store {folder} is damaged ({error}). Remove that folder and run again.") from error


def _mark(path: Path) -> dict[str, Any]:
    about = path.stat()
    return {"size": about.st_size, "changed": about.st_mtime_ns, "sha256": sha256(path)}


def _check(path: Path, mark: Mapping[str, Any]) -> None:
    """Summing up gigabytes at each start would take seconds: only a file that was touched is read again."""
    about = path.stat()
    if about.st_size != mark["size"] or (about.st_mtime_ns != mark["changed"] and sha256(path) != mark["sha256"]):
        raise ValueError(f"{path.name} was changed since it was prepared")


def _sum(about: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
