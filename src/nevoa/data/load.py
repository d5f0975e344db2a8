"""From what a user names to an ImageSet."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nevoa.config import DataConfig
from nevoa.data.catalog import CATALOG
from nevoa.data.prepare import Progress, prepare, store_folder
from nevoa.data.selection import Selection
from nevoa.data.sources.find import HUB, find_source
from nevoa.data.sources.hub import parse_place
from nevoa.data.store import ImageSet, open_store
from nevoa.errors import NevoaError


def open_source(text: str, choice: Selection = Selection()) -> ImageSet:  # noqa: B008  frozen
    """The images that `text` names, memory-mapped; decoded once, then kept.

    A NevoaError if there are none.
    """
    *_, images = opening(text, choice)
    assert isinstance(images, ImageSet)
    return images


def opening(text: str, choice: Selection) -> Iterator[Progress | ImageSet]:
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


def selection_of(data: DataConfig, split: str | None = None) -> Selection:
    """Which images of its source a config means, or of another split of it."""
    size = (data.size, data.size) if isinstance(data.size, int) else data.size
    return Selection(split or data.split, data.only, data.limit, size, data.channels, data.background)


def load_images(data: DataConfig, split: str | None = None) -> ImageSet:
    """The images that a config means, or those of another split of its source, and only the classes that have any.

    A NevoaError if they cannot be had.
    """
    images = open_source(data.source, selection_of(data, split))
    check_strict(data, images)
    return _without_empty_classes(images)


def _without_empty_classes(images: ImageSet) -> ImageSet:
    """Nothing can be learned of a class without images, and there would be a row of it in each picture."""
    found, labels = np.unique(images.labels, return_inverse=True)
    if len(found) >= len(images.classes):
        return images
    return replace(images, labels=labels, classes=tuple(images.classes[label] for label in found.tolist()))


def load_test_images(data: DataConfig, train: ImageSet) -> ImageSet:
    """The test split of a source, made like its training images; it may be without classes.

    A NevoaError if it has none, or other classes.
    """
    test = load_images(data, "test")
    if test.shape != train.shape:
        channels, height, width = train.shape
        test = load_images(data.model_copy(update={"size": (height, width), "channels": channels}), "test")
    return test if not test.classes or test.classes == train.classes else _by_classes_of(train, test)


def _by_classes_of(train: ImageSet, test: ImageSet) -> ImageSet:
    """Those of `test` whose classes `train` has too, by its numbers. A NevoaError if there are none."""
    place = np.array([train.classes.index(name) if name in train.classes else -1 for name in test.classes])
    labels = place[test.labels]
    kept = np.flatnonzero(labels >= 0)
    if not len(kept):
        raise NevoaError(f"The test images of {train.notes.source} have other classes than those for training.")
    if len(kept) == len(test):
        return replace(test, labels=labels, classes=train.classes)
    return replace(ImageSet.of(test.name, test.images[kept], labels[kept], train.classes), notes=test.notes)


def loading(data: DataConfig) -> Iterator[Progress | ImageSet]:
    """`load_images` as a stream: how far their preparation is; the last item is the ImageSet."""
    return opening(data.source, selection_of(data))


def check_strict(data: DataConfig, images: ImageSet) -> None:
    """A NevoaError if some were left out of what is to be whole."""
    if data.strict and images.notes.bad:
        first = images.notes.bad[0]
        raise NevoaError(
            f"{len(images.notes.bad):,} files of {data.source} cannot be used; the first: {first.name}: {first.reason}."
            " Mend or remove them, or leave --strict out."
        )
