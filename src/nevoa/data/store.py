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

from nevoa.errors import NevoaError
from nevoa.files import published, write_text

FORMAT = 1

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
        _publish(folder, build())
    try:
        return _open(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NevoaError(f"The image store {folder} is damaged ({error}). Remove that folder and run again.") from error


def _publish(folder: Path, images: ImageSet) -> None:
    try:
        with published(folder) as temporary:
            temporary.mkdir()
            np.save(temporary / "images.npy", images.images)
            np.save(temporary / "labels.npy", images.labels)
            about = {"name": images.name, "classes": images.classes, "fingerprint": images.fingerprint}
            write_text(temporary / "about.json", json.dumps(about))
    except NevoaError:
        if not folder.exists():  # else another process published the same images first
            raise


def _open(folder: Path) -> ImageSet:
    about = json.loads((folder / "about.json").read_text())
    images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    labels = np.load(folder / "labels.npy", allow_pickle=False)
    if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(labels):
        raise ValueError("images and labels do not fit")
    return ImageSet(about["name"], images, labels, tuple(about["classes"]), about["fingerprint"])
