"""Load images: from whatever a user names or holds to an ImageSet."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex, Unpack

import numpy as np
from jaxtyping import UInt8

from nevoa._util.places import expanded
from nevoa.config import DataConfig, DataPlan, parse
from nevoa.config.options import DataOptions
from nevoa.data.catalog import CATALOG
from nevoa.data.decode import pixels_within
from nevoa.data.find import find_source
from nevoa.data.held_out import choosing_and_scoring, with_held_out
from nevoa.data.hub import HUB, parse_place
from nevoa.data.listing import stacked
from nevoa.data.prepare import Preparation, prepare, store_folder
from nevoa.data.splits import HELD_OUT, TRAIN
from nevoa.data.store import ImageSet, open_store
from nevoa.errors import NevoaError, reason

if TYPE_CHECKING:
    from nevoa.data.objects import ImageSource

Source = str | Path | DataConfig


class LoadingOptions(DataOptions, total=False):
    """Keyword options of `load_images`.

    Attributes:
        holdout: How many images to set aside, as `nevoa.config.DataConfig` describes it.
        caption_column: The column of a table that has the captions.
    """

    holdout: SupportsIndex | str | None
    caption_column: str | None


def load_images(source: "Source | ImageSource", **options: Unpack[LoadingOptions]) -> ImageSet:
    """Load images, memory-mapped. They are decoded once and then kept in the cache.

    Classes without images are dropped. A NevoaError if the images cannot be loaded.

    Args:
        source: a folder, a file, `hf:OWNER/NAME` or a data set of the catalogue; a `DataConfig`, whose other fields
            `options` replace; or images that are already in memory, as `as_image_set` takes them.

    Example:
        >>> images = load_images("photos/", size=64, only=("cat", "dog"))
    """
    if not isinstance(source, Source):
        if options:
            raise NevoaError(f"nevoa does not change images in memory: leave out {', '.join(options)}.")
        from nevoa.data.objects import as_image_set  # imports torch

        return as_image_set(source)
    *_, images = loading(source, **options)
    assert isinstance(images, ImageSet)
    return images


def loading(source: Source, **options: Unpack[LoadingOptions]) -> Iterator[Preparation | ImageSet]:
    """Yield the progress of `load_images` while images are decoded, then the ImageSet.

    If the images are in the cache, only the ImageSet is yielded. To stop, drop the iterator; the next call resumes.

    Args:
        source, options: as for `load_images`, except for images in memory.

    Raises:
        NevoaError: the images cannot be loaded.

    Example:
        >>> *_, images = loading("photos/", size=64)
    """
    data = data_config(source, **options)
    found = find_source(data.source, TRAIN if data.split == HELD_OUT else data.split)
    data = with_held_out(found, data, store_folder(found, data).name)
    if data.split == HELD_OUT and not data.holdout:
        raise NevoaError(f"No images of {data.source} are set aside for measuring.")
    held_out = data.model_copy(update={"split": HELD_OUT, "limit": None})  # a limit is for images that are trained on
    data = held_out if data.split == HELD_OUT else data
    yield from prepare(found, data)
    if data.holdout:
        yield from prepare(found, held_out)
    images = open_store(store_folder(found, data))
    if data.holdout:  # a file that cannot be decoded is in the notes of the part that it belongs to
        bad = *images.notes.bad, *open_store(store_folder(found, held_out)).notes.bad
        images = replace(images, notes=replace(images.notes, bad=tuple(dict.fromkeys(bad))))
    if data.strict and images.notes.bad:
        first = images.notes.bad[0]
        raise NevoaError(
            f"Cannot use {len(images.notes.bad):,} of the files of {data.source}; the first is {first.name}: "
            f"{first.reason}. Repair or remove them, or leave out --strict."
        )
    yield _without_empty_classes(replace(images, notes=replace(images.notes, source=data.source)))


def load_test_images(data: DataConfig, train: ImageSet) -> ImageSet:
    """Load test images of a source, with the shape and class numbers of its training images.

    They are those that are set aside of the training images, if some are, else those of the test split. Images of
    other classes are dropped; there may be no classes at all. A NevoaError if there are no test images, or none of
    them has a class of the training images.

    Example:
        >>> test = load_test_images(DataConfig(source="digits"), load_images("digits"))
    """
    split = HELD_OUT if train.notes.held_out else "test"
    test = load_images(data, split=split)
    if test.shape != train.shape:
        channels, height, width = train.shape
        test = load_images(data, split=split, size=(height, width), channels=channels)
    return test if not test.classes or test.classes == train.classes else _by_classes_of(train, test)


def data_config(source: Source, **options: Unpack[LoadingOptions]) -> DataConfig:
    """Return the config by which `load_images` reads a source.

    Example:
        >>> data_config("shapes", size=16).source
        'shapes'
    """
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(source, DataConfig):
        asked = source.model_dump(include=set(DataConfig.model_fields))  # a plan's has facts, too
        return parse({"data": {**asked, **given}}).data if given else source
    # A Path is never the name of a data set.
    text = str(expanded(source).absolute()) if isinstance(source, Path) else source
    return parse({"data": {"source": text, **given}}).data


def flips(text: str) -> bool:
    """Whether mirrored images of a source look like its images; True if unknown.

    Example:
        >>> flips("fashion_mnist_10k"), flips("photos/")
        (False, True)
    """
    if text.startswith(HUB):
        places = {row.place.hub_id: row.flips for row in CATALOG.values() if row.place}
        return places.get(parse_place(text).hub_id, True)
    return text not in CATALOG or CATALOG[text].flips


def load_scoring_images(data: DataConfig, train: ImageSet) -> ImageSet:
    """Load the test images that score a model: of those that a training held out the ones that do not choose it.

    Args:
        data: of a plan, to divide them as that training did.
        train: the training images of `data`.

    A NevoaError if there are none.

    Example:
        >>> data = DataConfig(source="digits", holdout=300)
        >>> len(load_scoring_images(data, load_images(data)))
        172
    """
    test = load_test_images(data, train)
    if not train.notes.held_out:
        return test
    return choosing_and_scoring(test, data.division if isinstance(data, DataPlan) else "pixels")[1]


def image_at(text: str) -> UInt8[np.ndarray, "H W C"] | None:
    """Return the image that text such as `shapes:7` names by its source and index; None for text of another form.

    Raises:
        NevoaError: the images cannot be loaded, or are fewer.

    Example:
        >>> image_at("shapes:7").shape
        (32, 32, 3)
    """
    source, _, index = text.rpartition(":")
    if not source or not index.isdecimal():
        return None
    images = load_images(source)
    if int(index) >= len(images):
        raise NevoaError(f"{source} has no image {index}: its images are 0 to {len(images) - 1}.")
    return images.images[int(index)]


def read_unchanged(path: Path, count: int | None = None) -> UInt8[np.ndarray, "N H W C"]:
    """Return the first `count` images of a file or folder, sorted by name, at their own size: images to be evaluated.

    A NevoaError if one cannot be read, or differs in size from the first.

    Example:
        >>> read_unchanged(Path("photos/cat"), count=2).shape
        (2, 28, 28, 1)
    """
    if not path.exists():
        raise NevoaError(f"There is no file or folder {path}.")
    listing = find_source(str(path.absolute())).list()  # a path, never a data set of the catalogue
    for bad in listing.notes.bad:
        raise NevoaError(f"Cannot read {bad.name} in {path}: {bad.reason}.")
    if not len(listing):
        raise NevoaError(f"There are no images in {path}.")
    if count and count < len(listing):
        said = f"Of the {len(listing):,} images in {path}, the first {count:,} are measured."
        warnings.warn(said, stacklevel=2)
    images: list[np.ndarray] = []
    for number in range(min(count or len(listing), len(listing))):
        try:
            images.append(pixels_within(listing.read(number)))
        except (OSError, ValueError) as error:
            raise NevoaError(f"Cannot read {listing.file(number)} in {path}: {reason(error)}.") from error
    return stacked(images, listing.file, str(path))


def _without_empty_classes(images: ImageSet) -> ImageSet:
    found, labels = np.unique(images.labels, return_inverse=True)
    if len(found) >= len(images.classes):
        return images
    return replace(images, labels=labels, classes=tuple(images.classes[label] for label in found.tolist()))


def _by_classes_of(train: ImageSet, test: ImageSet) -> ImageSet:
    """Renumber test images by the classes of the training images, and drop those of other classes."""
    place = np.array([train.classes.index(name) if name in train.classes else -1 for name in test.classes])
    labels = place[test.labels]
    kept = np.flatnonzero(labels >= 0)
    if not len(kept):
        raise NevoaError(
            f"The test images of {train.notes.source} have the classes {', '.join(test.classes[:5])}; its training "
            "images have none of them: give both the same class names."
        )
    if len(kept) == len(test):
        return replace(test, labels=labels, classes=train.classes)
    return replace(test, labels=labels, classes=train.classes).part(kept)
