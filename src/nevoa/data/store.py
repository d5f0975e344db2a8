"""Decoded images on disk, memory-mapped: decoded once, never while training."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int64, UInt8
from platformdirs import user_cache_path

from nevoa.data.arrays import mapped
from nevoa.errors import NevoaError
from nevoa.files import published, read_json, write_text

FORMAT = 1
ARRAYS = "images.npy", "labels.npy"

Split = Literal["train", "test"]


@dataclass(frozen=True)
class ImageSet:
    """Images of one size with their labels.

    Attributes:
        name: what results say they were trained on.
        images: uint8 `[N, H, W, C]`, memory-mapped where it comes from a store.
        labels: class index of each image, 0 … len(classes) - 1.
        fingerprint: sha256 of shape, pixels, labels and class names.
    """

    name: str
    images: UInt8[np.ndarray, "N H W C"]
    labels: Int64[np.ndarray, " N"]
    classes: tuple[str, ...]
    fingerprint: str

    @classmethod
    def of(cls, name: str, images: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> "ImageSet":
        """An ImageSet in memory, its fingerprint computed."""
        digest = hashlib.sha256(json.dumps([images.shape, list(classes)]).encode())
        digest.update(np.ascontiguousarray(images).data)
        digest.update(np.ascontiguousarray(labels, dtype="<i8").data)
        return cls(name, images, labels.astype(np.int64), tuple(classes), digest.hexdigest())

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, height, width, channels = self.images.shape
        return channels, height, width


def cache_folder() -> Path:
    """Where stores live: `NEVOA_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("NEVOA_CACHE")
    return Path(chosen) if chosen else user_cache_path("nevoa")


def stored(key: str, build: Callable[[], ImageSet]) -> ImageSet:
    """The ImageSet kept under `key`; built and kept first if it is not there or not whole."""
    folder = cache_folder() / f"{key}-v{FORMAT}"
    if not folder.exists():
        write_store(folder, build())
    return open_store(folder)


def write_store(folder: Path, images: ImageSet) -> None:
    """Publish images as a folder, unless another process has done it first."""
    try:
        with published(folder) as temporary:
            temporary.mkdir()
            for name, array in zip(ARRAYS, (images.images, images.labels), strict=True):
                np.save(temporary / name, array)
            about = {"name": images.name, "classes": images.classes, "fingerprint": images.fingerprint}
            write_text(temporary / "about.json", json.dumps(about))
    except NevoaError:
        if not folder.exists():  # else another process published the same images first
            raise


def open_store(folder: Path) -> ImageSet:
    """The images that a folder keeps, memory-mapped. A NevoaError if they are damaged."""
    try:
        about = read_json(folder / "about.json")
        images, labels = (mapped(folder / name) for name in ARRAYS)
        classes = tuple(map(str, about["classes"]))
        if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape:
            raise ValueError("images are uint8 [N, H, W, C]")
        if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
            raise ValueError("labels are one number an image")
        if not 0 <= labels.min() <= labels.max() < len(classes):
            raise ValueError("a label is no class")
        return ImageSet(str(about["name"]), images, np.array(labels), classes, str(about["fingerprint"]))
    except (NevoaError, OSError, ValueError, KeyError, TypeError) as error:
        raise NevoaError(f"The image store {folder} is damaged ({error}). Remove that folder and run again.") from error
