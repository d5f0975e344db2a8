"""A source of random images, some of which cannot be read."""

from dataclasses import replace

import numpy as np

from nevoa.config import DataConfig
from nevoa.data import ImageSet
from nevoa.data.find import Source
from nevoa.data.listing import Listing, of_arrays
from nevoa.data.prepare import prepare, store_folder
from nevoa.data.store import open_store

NOISE = np.random.default_rng(0).integers(0, 256, (23, 6, 5, 3), dtype=np.uint8)


def noise(bad: tuple[int, ...] = (), stop_at: int | None = None, identity: object = "noise") -> Source:
    """Twenty-three small images of two classes, some of which cannot be read; with `stop_at` the machine dies there."""

    def read(number: int) -> np.ndarray:
        if number == stop_at:
            raise KeyboardInterrupt
        if number in bad:
            raise ValueError("it is bad")
        return NOISE[number]

    def listing() -> Listing:
        whole = of_arrays(NOISE, np.arange(23) % 2, ["even", "odd"])
        return replace(whole, read=read, file=lambda number: f"f{number}")

    return Source("noise", "noise", identity, listing)


def prepared(source: Source, data: DataConfig = DataConfig()) -> ImageSet:  # noqa: B008
    list(prepare(source, data))
    return open_store(store_folder(source, data))
