"""Which images of a source are used."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from nevoa._util.random import Stream, generator
from nevoa.config import DataConfig
from nevoa.data.decode import Size
from nevoa.data.listing import LONGEST_NUMBER, NO_LABELS, Listing
from nevoa.errors import NevoaError, unknown


@dataclass(frozen=True)
class Selected:
    """The files of a listing that are used, and their labels, if any."""

    numbers: Int64[np.ndarray, " N"]
    labels: Int64[np.ndarray, " N_or_0"]
    classes: tuple[str, ...]


def sides_of(data: DataConfig) -> Size | None:
    """Return the (height, width) that a config asks for, if any."""
    return (data.size, data.size) if isinstance(data.size, int) else data.size


def chosen(listing: Listing, data: DataConfig) -> Selected:
    """Select images by `data.only` and `data.limit`. A NevoaError if there is no such class."""
    numbers, labels, classes = np.arange(listing.count), listing.labels, listing.classes
    if data.only is not None:
        if not classes:
            raise NevoaError("These images have no classes to choose from: leave out --classes.")
        wanted = list(dict.fromkeys(label_of(classes, one) for one in data.only))
        place = np.full(len(classes), -1)
        place[wanted] = np.arange(len(wanted))
        numbers = np.flatnonzero(place[labels] >= 0)
        labels, classes = place[labels[numbers]], tuple(classes[label] for label in wanted)
    if data.limit is not None and data.limit < len(numbers):
        kept = np.sort(generator(0, Stream.LIMIT).permutation(len(numbers))[: data.limit])
        numbers, labels = numbers[kept], labels[kept] if classes else NO_LABELS
    return Selected(numbers, labels.astype(np.int64), classes)


def label_of(classes: Sequence[str], wanted: int | str) -> int:
    """Return the label of a class, given its name in any case, its index, or its index as text.

    A NevoaError if there is none.
    """
    if wanted in classes:
        return list(classes).index(str(wanted))
    names, text = [name.lower() for name in classes], unicodedata.normalize("NFC", str(wanted).strip().lower())
    if isinstance(wanted, str) and text in names:
        return names.index(text)
    # Where all names are numbers, a text is a name: "2" is not the third of the classes 1, 3 and 5.
    indices = range(len(names)) if isinstance(wanted, int) or not all(map(str.isdecimal, names)) else ()
    if text.isdecimal() and len(text) < LONGEST_NUMBER and int(text) in indices:
        return int(text)
    raise unknown("class", text, names)
