"""The images of a source before any of them is opened."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from nevoa.data.decode import Size, size_in_words
from nevoa.data.names import printable
from nevoa.errors import NevoaError

# A larger file is not a photograph, or an attempt to fill the memory.
LARGEST_FILE = 256_000_000
# Photographs hardly compress, and a blank drawing a hundredfold. Deflate reaches 1,032.
HIGHEST_RATIO = 500
# Below this size any ratio is harmless: a million sorted labels are 8 MB.
HARMLESS_BYTES = 16_000_000
LABEL_COLUMNS = "label", "labels", "class", "category"
# A name with more digits is not a number; int() refuses thousands of them.
LONGEST_NUMBER = 19

# The texts that describe each image.
Captions = tuple[tuple[str, ...], ...]
# By the name of a column, the number of each image; NaN where it has none.
Numbers = Mapping[str, Float64[np.ndarray, " N"]]


@dataclass(frozen=True)
class Bad:
    """A file that is left out, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True)
class Notes:
    """Where images come from, and what happened to them on the way.

    Attributes:
        source: the source as the user named it.
        bad: files that were left out, and why.
        ignored: the number of files that are not images and do not claim to be.
        duplicates: the number of files with the bytes of an earlier one.
        sizes: (height, width) of the smallest and the largest image, by area, before resizing.
        most: (height, width) of most images, if others differ and nobody chose a size.
        unsettled: why the folders give no classes, and what to do; empty if they do.
        held_out: the number of other images of the source that are set aside for measuring.
        captions: the number of images that a text or a table beside them describes.
        small: the number of images that are smaller than `data.min_size` and were left out.
        linked: the number of images to which a link out of the folder leads.

    Example:
        >>> load_images("shapes").notes.bad
        ()
    """

    source: str = ""
    licence: str = ""
    bad: tuple[Bad, ...] = ()
    ignored: int = 0
    duplicates: int = 0
    sizes: tuple[Size, Size] | None = None
    most: Size | None = None
    unsettled: str = ""
    held_out: int = 0
    captions: int = 0
    small: int = 0
    linked: int = 0


@dataclass(frozen=True)
class Listing:
    """The images of a source, by number.

    Attributes:
        read: returns the content of file i, or its pixels, uint8 `[H, W, C]`.
        file: returns the name of file i for messages.
        labels: the class index of each image; all 0 without classes.
        captions: the texts that describe each image; empty if none describes any.
        numbers: what a table says of each image, by column.
        columns: names of the columns of its table.
        texts: returns the texts of each image in a column.
        pictures: the picture that belongs to each image; None if the source has none.
        size: (height, width) unless the user chooses one; None means that it depends on the headers of all files.
        channels: 1 or 3 unless the user chooses; None as for `size`.
        notes: what is known so far.
    """

    read: Callable[[int], bytes | np.ndarray]
    file: Callable[[int], str]
    labels: Int64[np.ndarray, " N"]
    classes: tuple[str, ...] = ()
    size: Size | None = None
    channels: int | None = None
    notes: Notes = Notes()
    captions: Captions = ()
    numbers: Numbers = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    texts: Callable[[str], Captions] = lambda column: ()
    pictures: "Listing | None" = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, numbers: Int64[np.ndarray, " n"]) -> "Listing":
        """Return the listing of some of the images."""
        return replace(
            self,
            read=lambda index: self.read(int(numbers[index])),
            file=lambda index: self.file(int(numbers[index])),
            labels=self.labels[numbers],
            captions=_some(self.captions, numbers),
            numbers={name: column[numbers] for name, column in self.numbers.items()},
            texts=lambda column: _some(self.texts(column), numbers),
            pictures=None if self.pictures is None else self.pictures.take(numbers),
        )


def _some(captions: Captions, numbers: Int64[np.ndarray, " n"]) -> Captions:
    return tuple(captions[index] for index in numbers.tolist()) if captions else ()


def of_arrays(
    images: UInt8[np.ndarray, "N H W C"], labels: np.ndarray | None = None, classes: Sequence[str] | None = None
) -> Listing:
    """Return the listing of an array of images. Without `classes`, each value among the labels becomes a class."""
    _, height, width, channels = images.shape
    if labels is None or classes is None:
        labels, classes = numbered(labels, len(images))
    return Listing(
        read=lambda index: images[index],
        file=lambda index: f"number {index}",
        labels=labels.astype(np.int64),
        classes=tuple(classes),
        size=(height, width),
        channels={1: 1, 3: 3, 4: 3}.get(channels),  # gray with alpha may become colour on a coloured background
    )


def stacked(images: Sequence[np.ndarray], name: Callable[[int], str], where: str) -> UInt8[np.ndarray, "N H W C"]:
    """Return images as one array. A NevoaError names the first that differs in shape from image 0."""
    for number, pixels in enumerate(images):
        if pixels.shape != images[0].shape:
            first, other = (size_in_words(*one.transpose(2, 0, 1).shape) for one in (images[0], pixels))
            raise NevoaError(
                f"The images in {where} differ: {name(0)} is {first}, {name(number)} is {other}. Resize them first."
            )
    return np.stack(images)


def numbered(values: np.ndarray | None, count: int) -> tuple[Int64[np.ndarray, " N"], tuple[str, ...]]:
    """Return labels 0…K-1 and class names for one value per image; all 0 and no names if all values are equal."""
    found, labels = np.unique(np.zeros(count) if values is None else values.ravel(), return_inverse=True)
    return labels.astype(np.int64), tuple(printable(str(name)) for name in found) if len(found) > 1 else ()


def classes_of(names: Iterable[str | None]) -> tuple[str, ...]:
    """Return the sorted classes among the class names of images; none if there is only one."""
    known = sorted({name for name in names if name is not None}, key=_by_number)
    return tuple(known) if len(known) > 1 else ()


def columns_of(rows: Sequence[Mapping[str, float]]) -> Numbers:
    """Return the numbers of all images by name, from those of each; NaN where an image has none."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: np.array([row.get(name, np.nan) for row in rows]) for name in names}


def labels_by(classes: Sequence[str], names: Iterable[str | None]) -> Int64[np.ndarray, " N"]:
    """Return the label of each image by its class name, -1 if it has none; all 0 without classes."""
    place: dict[str | None, int] = {name: index for index, name in enumerate(classes)}
    return np.array([place.get(name, -1 if classes else 0) for name in names], np.int64)


def _by_number(name: str) -> tuple[int, int, str]:
    """A sort key that puts class 10 after class 9."""
    return (0, int(name), name) if name.isdecimal() and len(name) < LONGEST_NUMBER else (1, 0, name)
