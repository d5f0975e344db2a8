"""The picture that `nevoa data show` draws of images."""

import numpy as np
from PIL.Image import Image as Picture

from nevoa.config.augmentation import Chances
from nevoa.data import ImageSet, picture_of, pixels_of
from nevoa.pictures import grid, titled_rows

PER_CLASS = 16
MOST_ROWS = 20
PAIRS = 64


def row_in_words(images: ImageSet, augmented: bool) -> str:
    """What there is in a row of the picture; "" where it is but the next images."""
    if augmented:
        return "each with what a training makes of it"
    if images.pictures is not None:
        return "each after its picture"
    more = len(np.unique(images.labels)) > MOST_ROWS
    which = f"of the first {MOST_ROWS} classes" if more else "class"
    return f"a row for each {which}" if images.classes else ""


def augmented_sheet(images: ImageSet, augment: Chances) -> Picture:
    """The first images, each at the beginning of a row of what a training makes of it."""
    from nevoa.data.augmentation import Augmentation  # imports torch

    each = images.take(np.arange(min(PER_CLASS, len(images))).repeat(PER_CLASS))
    seen, first = Augmentation(augment, 0, images.shape).applied(each, 0).images, slice(None, None, PER_CLASS)
    seen[first] = each.images[first]
    return grid(seen, columns=PER_CLASS)


def sheet(images: ImageSet) -> Picture:
    """The first images, in rows of each class if there are classes; at most MOST_ROWS classes. Or the first pairs."""
    if images.pictures is not None:  # each image after its picture
        pairs = zip(images.pictures[:PAIRS], images.images[:PAIRS], strict=True)
        return grid(np.stack([pixels_of(picture_of(one), 3) for pair in pairs for one in pair]), columns=PER_CLASS)
    if not images.classes:
        return grid(images.images[: PER_CLASS * PER_CLASS], columns=PER_CLASS)
    shown = np.unique(images.labels)[:MOST_ROWS].tolist()
    rows = [images.images[np.flatnonzero(images.labels == label)[:PER_CLASS]] for label in shown]
    return titled_rows(rows, [images.classes[label] for label in shown])
