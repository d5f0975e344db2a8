"""Images that are already in memory: arrays and torch data sets."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from nevoa.data.items import as_array, items_of
from nevoa.data.listing import Captions, numbered
from nevoa.data.sources.arrays import checked_images
from nevoa.data.sources.metadata import captions_in
from nevoa.data.store import ImageSet
from nevoa.errors import NevoaError

ImageSource = ImageSet | np.ndarray | Tensor | Dataset[Any]
Labels = np.ndarray | Tensor | Sequence[int] | Sequence[str]


def as_image_set(
    source: ImageSource,
    labels: Labels | None = None,
    classes: Sequence[str] | None = None,
    name: str = "images",
    captions: Sequence[str | Sequence[str] | None] | None = None,
    numbers: Mapping[str, Any] | None = None,
    pictures: np.ndarray | Tensor | None = None,
) -> ImageSet:
    """Return images in memory as an ImageSet. A NevoaError says what is wrong with them.

    Args:
        source: an ImageSet, returned as it is; a uint8 array `[N, H, W]` or `[N, H, W, C]`; or a torch `Dataset` of
            images, of (image, label), or of dictionaries with the key image and, if there are any, label, text (one or
            several), conditioning_image and numbers under other keys. Each image is a PIL image or uint8 `[H, W]`,
            `[H, W, C]` or `[C, H, W]`.
        labels: for an array, one integer or one class name an image.
        classes: the class names of labels 0…K-1, or those that labels name, in this order; by default those of a
            `Dataset`, else the labels themselves.
        name: the name that results mention.
        captions: for an array, a text that describes each image, or several; "", () or None for none.
        numbers: for an array, by name a number of each image, such as its age; NaN for none.
        pictures: for an array, a picture for each image, from which a model makes it: uint8 of the images' size, gray
            or RGB.

    Example:
        >>> images = as_image_set(np.zeros((100, 32, 32, 3), np.uint8), labels=["cat", "dog"] * 50)
    """
    if isinstance(source, ImageSet):
        if any(one is not None for one in (labels, classes, captions, numbers, pictures)):
            raise NevoaError("An ImageSet has its own labels, classes, captions, numbers and pictures: leave them out.")
        return source
    if isinstance(source, np.ndarray | Tensor):
        images = checked_images(as_array(source), "The array")
    elif isinstance(source, Dataset):
        if labels is not None:
            raise NevoaError("A Dataset gives the labels with its images, as (image, label): leave out labels.")
        images, labels, described, columns, drawn = items_of(source)
        if any(own and given is not None for own, given in ((described, captions), (columns, numbers))):
            raise NevoaError("The items of the Dataset have captions or numbers of their own: leave out those given.")
        if drawn is not None and pictures is not None:
            raise NevoaError("The items of the Dataset have pictures of their own: leave out those given.")
        captions, numbers = described or captions, columns or numbers
        pictures = pictures if drawn is None else drawn
        classes = getattr(source, "classes", None) if classes is None and labels is not None else classes
    else:
        raise NevoaError(
            f"A value of type {type(source).__name__} is not a source of images: give a path, a name, a uint8 array, "
            "a torch Dataset or an ImageSet."
        )
    if images.shape[3] not in (1, 3):
        raise NevoaError(f"The images have {images.shape[3]} channels: give 1 (gray) or 3 (RGB).")
    classes = None if classes is None else [str(name) for name in classes]
    places, names = _numbered(labels, classes, len(images))
    if not isinstance(numbers, Mapping | None) or not all(isinstance(one, str) and one for one in numbers or ()):
        raise NevoaError(f"numbers must have a name for each number, as in {{'age': ages}}, not {numbers!r:.50}.")
    columns = {one: _column(one, values, len(images)) for one, values in (numbers or {}).items()}
    return ImageSet.of(
        name, images, places, names, _described(captions, len(images)), columns, _pictures(pictures, images)
    )


def _pictures(values: Any, images: np.ndarray) -> UInt8[np.ndarray, "N H W D"] | None:
    """Return a picture for each image; None if none are given."""
    if values is None:
        return None
    pictures = checked_images(as_array(values), "pictures")
    if pictures.shape[:3] != images.shape[:3] or pictures.shape[3] not in (1, 3):
        raise NevoaError(
            f"pictures must be gray or RGB, one for each image, {list(images.shape[:3])}, not {list(pictures.shape)}: "
            "resize them first."
        )
    return pictures


def _column(name: str, values: Any, count: int) -> Float64[np.ndarray, " N"]:
    column = as_array(values)
    if column.shape != (count,) or column.dtype.kind not in "iuf" or np.isinf(column).any() or np.isnan(column).all():
        raise NevoaError(
            f"numbers[{name!r}] must be a finite number, or NaN where there is none, for each of the {count:,} images."
        )
    return column.astype(np.float64)


def _described(captions: Sequence[str | Sequence[str] | None] | None, count: int) -> Captions:
    """Return the captions of each image; empty if none has any."""
    if captions is None:
        return ()
    if isinstance(captions, str | Mapping) or not isinstance(captions, Collection) or len(captions) != count:
        raise NevoaError(f"Captions must be a text, or a list of texts, for each of the {count:,} images.")
    several = [one if isinstance(one, list | tuple) else [one] for one in captions]
    if wrong := [text for of in several for text in of if not isinstance(text, str | None)]:
        raise NevoaError(f"A caption must be a text, or None where there is none, not {wrong[0]!r:.50}.")
    found = tuple(tuple(captions_in([*of])) for of in several)
    return found if any(found) else ()


def _numbered(labels: Labels | None, classes: Sequence[str] | None, count: int) -> tuple[np.ndarray, Sequence[str]]:
    """Return labels 0…K-1 and the names of the classes."""
    if labels is None and classes is not None:
        raise NevoaError("Classes are the names of labels: give labels, too.")
    if labels is None:
        return numbered(None, count)
    values = as_array(labels)
    if values.shape != (count,) or values.dtype.kind not in "iuU":
        raise NevoaError(
            f"Labels must be one integer or one word for each of the {count:,} images, not {values.dtype} "
            f"{list(values.shape)}."
        )
    if classes is None:
        return numbered(values, count)
    if values.dtype.kind == "U":
        places = {name: place for place, name in enumerate(classes)}
        if unnamed := sorted({*values.tolist()} - {*places}):
            raise NevoaError(f"Labels must be among the classes, {', '.join(places)}, not '{unnamed[0]}'.")
        return np.array([places[word] for word in values.tolist()]), classes
    if not 0 <= values.min() <= values.max() < len(classes):
        raise NevoaError(
            f"Labels must be 0 to {len(classes) - 1} for {len(classes)} classes, not {values.min()} to {values.max()}."
        )
    return values, classes
