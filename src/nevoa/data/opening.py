"""From what a user names to an ImageSet."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nevoa.data.catalog import CATALOG
from nevoa.data.choice import Choice
from nevoa.data.hub import parse_place
from nevoa.data.prepare import Progress, prepare, store_folder
from nevoa.data.sources import HUB, find_source
from nevoa.data.store import ImageSet, open_store
from nevoa.errors import NevoaError


def open_source(text: str, choice: Choice = Choice()) -> ImageSet:  # noqa: B008  frozen
    """The images that `text` names, memory-mapped; decoded once, then kept.

    A NevoaError if there are none.
    """
    *_, images = opening(text, choice)
    assert isinstance(images, ImageSet)
    return images


def opening(text: str, choice: Choice) -> Iterator[Progress | ImageSet]:
    """`open_source` as a stream: how far the preparation is, where one is needed; the last item is the ImageSet."""
    source = find_source(text, choice.split)
    yield from prepare(source, choice)
    images = open_store(store_folder(source, choice))
    yield replace(images, notes=replace(images.notes, source=text))


def flips(text: str) -> bool:
    """Whether mirrored images of a source are images of it as well, as far as is known."""
    if text.startswith(HUB):
        places = {row.place.hub_id: row.flips for row in CATALOG.values() if row.place}
        return places.get(parse_place(text).hub_id, True)
    return text not in CATALOG or CATALOG[text].flips


def parse_index(source: str) -> tuple[str, int] | None:
    """`fashion_mnist:7` -> its name and 7; None for what is not of that form."""
    name, colon, index = source.rpartition(":")
    return (name, int(index)) if name and colon and index.isdecimal() else None


def image_at(source: str, index: int) -> np.ndarray:
    """One image of a source, uint8 `[H, W, C]`."""
    images = open_source(source)
    if index >= len(images):
        raise NevoaError(f"{source} has images 0 to {len(images) - 1}; there is no {index}.")
    return images.images[index]
