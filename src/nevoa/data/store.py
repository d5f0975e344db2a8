"""Decoded images on disk, memory-mapped: images are decoded once and never while training."""

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from nevoa._util.arguments import to_python
from nevoa._util.files import published, read_json, read_lines, sha256, write_text
from nevoa.data.cache import ABOUT
from nevoa.data.listing import Bad, Captions, Listing, Notes, Numbers, columns_of
from nevoa.data.reading import Shapes
from nevoa.data.sources.arrays import give_back, mapped
from nevoa.errors import NevoaError

FORMAT = 7
IMAGES, LABELS, SAID, BAD = FILES = "images.npy", "labels.npy", "said.jsonl", "bad.jsonl"
IMAGES_AT_ONCE = 10_000


@dataclass(frozen=True)
class ImageSet:
    """Images of one size with their labels.

    Attributes:
        name: the name that results mention.
        images: uint8 `[N, H, W, C]`, memory-mapped if it comes from a store.
        labels: class index of each image, 0 … len(classes) - 1; all 0 without classes.
        fingerprint: sha256 of shape, pixels, labels, class names, captions, numbers and pictures.
        captions: the texts that describe each image; empty if none describes any.
        numbers: numbers of each image by name, such as its age; NaN where an image has none.
        pictures: uint8 `[N, H, W, D]`, a picture for each image from which a model makes it; None without any.

    Example:
        >>> shapes = load_images("shapes", limit=100)
        >>> shapes.images.shape, shapes.classes
        ((100, 32, 32, 3), ('circle', 'square', 'triangle', 'star', 'ring'))
    """

    name: str
    images: UInt8[np.ndarray, "N H W C"]
    labels: Int64[np.ndarray, " N"]
    classes: tuple[str, ...]
    fingerprint: str
    notes: Notes = field(default_factory=Notes)
    captions: Captions = ()
    numbers: Numbers = field(default_factory=dict)
    pictures: UInt8[np.ndarray, "N H W D"] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        images: np.ndarray,
        labels: np.ndarray,
        classes: Sequence[str],
        captions: Captions = (),
        numbers: Numbers | None = None,
        pictures: np.ndarray | None = None,
    ) -> "ImageSet":
        """Return an ImageSet of arrays in memory and compute its fingerprint."""
        found = fingerprint(images, labels, classes, captions, numbers, pictures)
        said: dict[str, Any] = {"captions": captions, "numbers": numbers or {}, "pictures": pictures}
        return cls(name, images, labels.astype(np.int64), tuple(classes), found, **said)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    def take(self, indices: Int64[np.ndarray, " n"]) -> "ImageSet":
        """Return some of the images, under the fingerprint of all."""
        captions = tuple(self.captions[index] for index in indices.tolist()) if self.captions else ()
        numbers = {name: column[indices] for name, column in self.numbers.items()}
        pictures = None if self.pictures is None else self.pictures[indices]
        some = {"images": self.images[indices], "labels": self.labels[indices], "pictures": pictures}
        return replace(self, **some, captions=captions, numbers=numbers)

    def part(self, indices: Int64[np.ndarray, " n"]) -> "ImageSet":
        """Return some of the images, under a fingerprint of their own."""
        some = self.take(indices)
        said = some.captions, some.numbers, some.pictures
        return replace(some, fingerprint=fingerprint(some.images, some.labels, some.classes, *said))


def fingerprint(
    images: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    captions: Captions = (),
    numbers: Numbers | None = None,
    pictures: np.ndarray | None = None,
) -> str:
    """Return the sha256 of images, labels, class names and, if there are any, captions, numbers and pictures."""
    digest = hashlib.sha256(json.dumps([images.shape, list(classes)]).encode())
    _update(digest, images)
    digest.update(np.ascontiguousarray(labels, dtype="<i8").data)
    if captions or numbers:
        digest.update(json.dumps(_said(len(images), captions, numbers or {})).encode())
    if pictures is not None:
        digest.update(json.dumps(pictures.shape).encode())
        _update(digest, pictures)
    return digest.hexdigest()


def _update(digest: Any, pixels: np.ndarray) -> None:
    for start in range(0, len(pixels), IMAGES_AT_ONCE):
        digest.update(np.ascontiguousarray(pixels[start : start + IMAGES_AT_ONCE]).data)
        give_back(pixels)


def _said(count: int, captions: Captions, numbers: Numbers) -> list[dict[str, Any]]:
    """Return the captions and numbers of each image for JSON; an empty list if no image has any."""
    if not (captions or numbers):
        return []
    columns = {name: column.tolist() for name, column in numbers.items()}
    return [
        {
            "captions": captions[index] if captions else (),
            "numbers": {name: column[index] for name, column in columns.items() if not math.isnan(column[index])},
        }
        for index in range(count)
    ]


def write_about(folder: Path, name: str, listing: Listing, notes: Notes, shapes: Shapes) -> None:
    """Complete a folder with images.npy to a store: write labels, captions, numbers, bad files and about.json.

    Args:
        listing: of the images that are in the store.
        shapes: of one image and, if it has one, its picture.
    """
    labels, classes, captions, numbers = listing.labels, listing.classes, listing.captions, listing.numbers
    with published(folder / LABELS) as temporary:
        np.save(temporary, labels)
    said = _said(len(listing), captions, numbers)
    write_text(folder / SAID, "".join(json.dumps(line) + "\n" for line in said))
    write_text(folder / BAD, "".join(json.dumps(asdict(bad)) + "\n" for bad in notes.bad))
    images, pictures = _apart(mapped(folder / IMAGES), shapes)
    about = {
        "format": FORMAT,
        "name": name,
        "classes": list(classes),
        "shape": images.shape,
        "shapes": shapes,
        "fingerprint": fingerprint(images, labels, classes, captions, numbers, pictures),
        "files": {file: _mark(folder / file) for file in FILES},
    }
    about |= {name: value for name, value in vars(notes).items() if name != "bad"}
    write_text(folder / ABOUT, json.dumps(about | {"sum": _sum(about)}))


def open_store(folder: Path) -> ImageSet:
    """Open a store, memory-mapped, and mark it as used. A NevoaError if it is damaged or was changed."""
    try:
        about = read_json(folder / ABOUT)
        if about.pop("sum", None) != _sum(about) or about["format"] != FORMAT:
            raise ValueError(f"{ABOUT} was changed")
        for name in FILES:
            _check(folder / name, about["files"][name])
        kept = {field.name: to_python(about[field.name]) for field in fields(Notes) if field.name in about}
        notes = Notes(**kept, bad=tuple(Bad(**line) for line in read_lines(folder / BAD)))
        images, pictures = _apart(mapped(folder / IMAGES), to_python(about["shapes"]))
        labels = np.load(folder / LABELS)
        with suppress(OSError):  # the cache may be read-only
            os.utime(folder / ABOUT)
        said = list(read_lines(folder / SAID))
        captions = tuple(tuple(line["captions"]) for line in said)
        facts = about["name"], images, labels, tuple(about["classes"]), about["fingerprint"], notes
        numbers = columns_of([line["numbers"] for line in said])
        return ImageSet(*facts, captions if any(captions) else (), numbers, pictures)
    except (NevoaError, OSError, ValueError, LookupError, TypeError) as error:
        raise NevoaError(f"The image store {folder} is damaged ({error}): remove that folder and run again.") from error


def _apart(stored: np.ndarray, shapes: Shapes) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the images and their pictures, which share a row of bytes each, without reading them."""
    if len(shapes) == 1:
        return stored, None
    image, picture = shapes
    size = math.prod(image)
    return stored[:, :size].reshape(-1, *image), stored[:, size:].reshape(-1, *picture)


def _mark(path: Path) -> dict[str, Any]:
    about = path.stat()
    return {"size": about.st_size, "changed": about.st_mtime_ns, "sha256": sha256(path)}


def _check(path: Path, mark: Mapping[str, Any]) -> None:
    """Only hash a file that was touched: hashing gigabytes at each start would take seconds."""
    about = path.stat()
    if about.st_size != mark["size"] or (about.st_mtime_ns != mark["changed"] and sha256(path) != mark["sha256"]):
        raise ValueError(f"{path.name} has changed")


def _sum(about: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
