"""Which images of a source are used."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nevoa._util.arguments import Classes, one_or_more
from nevoa._util.random import Stream, generator
from nevoa.config import DataConfig
from nevoa.data.listing import LONGEST_NUMBER, Listing
from nevoa.data.names import printable
from nevoa.errors import NevoaError, unknown


def of_classes(listing: Listing, data: DataConfig) -> Listing:
    """Select images by `data.only`. A NevoaError if there is no such class."""
    if data.only is not None:
        if why := listing.notes.unsettled:
            raise NevoaError(f"These images have no classes to choose from: {why}")
        if not listing.classes:
            raise NevoaError("These images have no classes to choose from: leave out --classes.")
        wanted = list(dict.fromkeys(label_of(listing.classes, one) for one in data.only))
        place = np.full(len(listing.classes), -1)
        place[wanted] = np.arange(len(wanted))
        listing = replace(
            listing, labels=place[listing.labels], classes=tuple(listing.classes[label] for label in wanted)
        )
        listing = listing.take(np.flatnonzero(listing.labels >= 0))
    return listing


def with_column(listing: Listing, data: DataConfig, where: str) -> Listing:
    """Take the captions from `data.caption_column`. A NevoaError if there is no such column, or no text in it."""
    if data.caption_column is None:
        return listing
    column = printable(data.caption_column)
    if not listing.columns:
        raise NevoaError(
            f"{where} has no table, so no column '{column}': name no column, or write metadata.csv with the columns "
            f"file_name and {column} beside the images."
        )
    if column not in listing.columns:
        raise unknown("column", column, listing.columns)
    captions = listing.texts(column)
    if not any(captions):
        known = ", ".join(listing.columns)
        raise NevoaError(f"The column '{column}' of {where} has no texts: choose another of its columns, {known}.")
    return replace(listing, captions=captions)


def limited(listing: Listing, data: DataConfig) -> Listing:
    """Select images by `data.limit`, at random but always the same."""
    if data.limit is not None and data.limit < len(listing):
        listing = listing.take(np.sort(generator(0, Stream.LIMIT, 0).permutation(len(listing))[: data.limit]))
    return listing


def label_of(classes: Sequence[str], wanted: int | str) -> int:
    """Return the label of a class, given its name in any case or its index. A NevoaError if there is none.

    Example:
        >>> label_of(["cat", "dog"], "Dog")
        1
    """
    if wanted in classes:
        return list(classes).index(str(wanted))
    names, text = [name.lower() for name in classes], printable(str(wanted).strip())
    if isinstance(wanted, str) and text.lower() in names:
        return names.index(text.lower())
    # Where all names are numbers, a text is a name: "2" is not the third of the classes 1, 3 and 5.
    indices = range(len(names)) if isinstance(wanted, int) or not all(map(str.isdecimal, names)) else ()
    if text.isdecimal() and len(text) < LONGEST_NUMBER and int(text) in indices:
        return int(text)
    raise unknown("class", text, classes)


def labels_of(classes: Sequence[str], wanted: Classes | None = None) -> Sequence[int]:
    """Return the labels to make images of in turn: the wanted class or classes, or all. Empty without classes.

    Raises:
        NevoaError: a class is not known, or there are none.

    Example:
        >>> labels_of(["cat", "dog"], ["dog", 0])
        [1, 0]
    """
    if wanted is None:
        return range(len(classes))
    if not classes:
        raise NevoaError("This model knows no classes: leave them out, or train one with --condition class.")
    names = one_or_more(wanted)
    if not isinstance(names, tuple):
        raise NevoaError(
            f"labels must be classes by name or index, such as {classes[0]!r} or [0, 1], not {wanted!r:.60}."
        )
    if not names:
        raise NevoaError("labels is empty: name a class, or leave it out.")
    return [label_of(classes, one) for one in names]
