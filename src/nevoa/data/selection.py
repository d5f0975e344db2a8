"""Which images of a source are used, and how they are made alike."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from nevoa._util.random import Stream, generator
from nevoa.data.decode import WHITE, Size
from nevoa.data.listing import LONGEST_NUMBER, NO_LABELS, Listing
from nevoa.data.splits import TRAIN
from nevoa.errors import NevoaError, unknown


@dataclass(frozen=True)
class Selection:
    """What a user wants of a source.

    Attributes:
        split: "train", "test", or another that the source has.
        classes: names or indices; the images of all others are left out. None: all.
        limit: so many images, drawn at random but always the same ones. None: all.
        size: (height, width) to resize and crop to, without squashing. None: their own, or what suits a mixed lot.
        channels: 1 or 3. None: 3 if any image is in colour.
        background: colour behind what is transparent.
    """

    split: str = TRAIN
    classes: tuple[str | int, ...] | None = None
    limit: int | None = None
    size: Size | None = None
    channels: int | None = None
    background: str = WHITE


@dataclass(frozen=True)
class Selected:
    """What a choice comes to: which files of a listing, and the class of each by its own numbering, if any."""

    numbers: Int64[np.ndarray, " N"]
    labels: Int64[np.ndarray, " N_or_0"]
    classes: tuple[str, ...]


def chosen(listing: Listing, choice: Selection) -> Selected:
    """The files of a listing that are wanted. A NevoaError if there are none, or no such class."""
    numbers, labels, classes = np.arange(listing.count), listing.labels, listing.classes
    if choice.classes is not None:
        if not classes:
            raise NevoaError("These images have no classes to choose from: leave --classes out.")
        wanted = list(dict.fromkeys(label_of(classes, one) for one in choice.classes))
        place = np.full(len(classes), -1)
        place[wanted] = np.arange(len(wanted))
        numbers = np.flatnonzero(place[labels] >= 0)
        labels, classes = place[labels[numbers]], tuple(classes[label] for label in wanted)
    if choice.limit is not None and choice.limit < len(numbers):
        kept = np.sort(generator(0, Stream.LIMIT).permutation(len(numbers))[: choice.limit])
        numbers, labels = numbers[kept], labels[kept] if classes else NO_LABELS
    return Selected(numbers, labels.astype(np.int64), classes)


def label_of(classes: Sequence[str], wish: int | str) -> int:
    """The label of a class: its index, its name in capitals or not, or its index as text. A NevoaError if none."""
    if wish in classes:
        return list(classes).index(str(wish))
    names, text = [name.lower() for name in classes], unicodedata.normalize("NFC", str(wish).strip().lower())
    if isinstance(wish, str) and text in names:
        return names.index(text)
    # Of classes that are numbers a text is a name: 2 is not the third of 1, 3 and 5.
    indices = range(len(names)) if isinstance(wish, int) or not all(map(str.isdecimal, names)) else ()
    if text.isdecimal() and len(text) < LONGEST_NUMBER and int(text) in indices:
        return int(text)
    raise unknown("class", text, names)
