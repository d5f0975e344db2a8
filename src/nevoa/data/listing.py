"""What a source holds, before anything of it is opened."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from nevoa.data.decode import Size
from nevoa.data.names import printable

# Of a photograph; what is larger is no picture for a small model, or an attempt to fill the memory.
LARGEST_FILE = 256_000_000
# Photographs hardly shrink, and the emptiest of drawings by a factor of a hundred. Deflate can do 1,032.
HIGHEST_RATIO = 500
# So little may be packed as well as it can: a million labels in order are 8 MB.
HARMLESS_BYTES = 16_000_000
# What a column of classes is called, in tables and on the Hub.
LABEL_COLUMNS = "label", "labels", "class", "category"

# More names than this, most of them of one image alone, are captions.
MOST_ALONE = 1_000


@dataclass(frozen=True)
class Bad:
    """A file that is left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """The images of a source by number, none of them opened yet.

    Attributes:
        read: the content of file number i, or its pixels uint8 `[H, W, C]`.
        file: what messages call number i.
        labels: class index of each; empty where there are no classes.
        size: (height, width) unless the user says otherwise; None: all have to be looked at first.
        channels: 1 or 3 unless the user says otherwise; None likewise.
        bad: what was left out while listing.
        ignored: files that are no pictures and do not claim to be.
    """

    count: int
    read: Callable[[int], bytes | np.ndarray]
    file: Callable[[int], str]
    labels: Int64[np.ndarray, " N"]
    classes: tuple[str, ...] = ()
    size: Size | None = None
    channels: int | None = None
    bad: tuple[Bad, ...] = ()
    ignored: int = 0


def of_arrays(images: UInt8[np.ndarray, "N H W C"], labels: np.ndarray | None, classes: Sequence[str] = ()) -> Listing:
    """The listing of images that are in memory, or mapped into it."""
    _, height, width, channels = images.shape
    if labels is None or not classes:
        labels, classes = NO_LABELS, ()
    return Listing(
        count=len(images),
        read=lambda index: images[index],
        file=lambda index: f"number {index}",
        labels=labels.astype(np.int64),
        classes=tuple(classes),
        size=(height, width),
        channels={1: 1, 3: 3, 4: 3}.get(channels),  # of gray and alpha the background decides
    )


def classes_of(names: Iterable[str | None]) -> tuple[str, ...]:
    """The classes among the class names of images, sorted; none where there are not two, or nearly one an image."""
    all_known = [name for name in names if name is not None]
    known = sorted(set(all_known), key=_by_number)
    captions = len(known) > MOST_ALONE and 2 * len(known) > len(all_known)
    return tuple(known) if len(known) > 1 and not captions else ()


def numbered(values: np.ndarray | None) -> tuple[Int64[np.ndarray, " N"], tuple[str, ...]]:
    """Labels and classes of a value for each image, which need not begin at 0; neither where all are one."""
    found, labels = np.unique(() if values is None else values.ravel(), return_inverse=True)
    classes = tuple(printable(str(name)) for name in found)
    return (labels.astype(np.int64), classes) if len(classes) > 1 else (NO_LABELS, ())


def labels_by(classes: Sequence[str], names: Iterable[str | None]) -> Int64[np.ndarray, " N"]:
    """The label of each image that has a class; none without classes."""
    place = {name: index for index, name in enumerate(classes)}
    return np.array([place[name] for name in names if name in place], np.int64)


def _by_number(name: str) -> tuple[int, int, str]:
    """So that class 10 comes after class 9."""
    return (0, int(name), name) if name.isdecimal() and len(name) < LONGEST_NUMBER else (1, 0, name)


# More digits are no number of a class, and Python refuses to read very many.
LONGEST_NUMBER = 19
NO_LABELS = np.zeros(0, np.int64)
