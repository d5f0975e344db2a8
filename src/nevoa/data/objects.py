"""Images that are already in memory: arrays and torch data sets."""

from collections.abc import Mapping, Sequence, Sized
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from nevoa.data.decode import opaque, pixels_of
from nevoa.data.listing import Captions, numbered, stacked
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
    captions: Sequence[str | Sequence[str]] | None = None,
    numbers: Mapping[str, Any] | None = None,
) -> ImageSet:
    """Return images in memory as an ImageSet. A NevoaError says what is wrong with them.

    Args:
        source: an ImageSet, returned as it is; a uint8 array `[N, H, W]` or `[N, H, W, C]`; or a torch `Dataset` of
            images or of (image, label), each image a PIL image or uint8 `[H, W]`, `[H, W, C]` or `[C, H, W]`.
        labels: for an array, one integer or one class name an image.
        classes: the class names of integer labels 0…K-1; by default those of a `Dataset`, else the labels themselves.
        name: the name that results mention.
        captions: for an array, a text that describes each image, or several; "" or () for none.
        numbers: for an array, by name a number of each image, such as its age; NaN for none.

    Example:
        >>> images = as_image_set(np.zeros((100, 32, 32, 3), np.uint8), labels=["cat", "dog"] * 50)
    """
    if isinstance(source, ImageSet):
        if any(one is not None for one in (labels, classes, captions, numbers)):
            raise NevoaError("An ImageSet has its own labels, classes, captions and numbers: leave them out.")
        return source
    if isinstance(source, np.ndarray | Tensor):
        images = checked_images(_array(source), "The array")
    elif isinstance(source, Dataset):
        if labels is not None:
            raise NevoaError("A Dataset gives the labels with its images, as (image, label): leave out labels.")
        images, labels = _from_dataset(source)
        classes = getattr(source, "classes", None) if classes is None and labels is not None else classes
    else:
        raise NevoaError(
            f"A value of type {type(source).__name__} is not a source of images: give a path, a name, a uint8 array, "
            "a torch Dataset or an ImageSet."
        )
    if images.shape[3] not in (1, 3):
        raise NevoaError(f"The images have {images.shape[3]} channels: give 1 (gray) or 3 (RGB).")
    places, names = _numbered(labels, classes, len(images))
    columns = {one: _column(one, values, len(images)) for one, values in (numbers or {}).items()}
    return ImageSet.of(name, images, places, names, _described(captions, len(images)), columns)


def _column(name: str, values: Any, count: int) -> Float64[np.ndarray, " N"]:
    column = _array(values)
    if column.shape != (count,) or column.dtype.kind not in "iuf" or np.isinf(column).any() or np.isnan(column).all():
        raise NevoaError(
            f"numbers[{name!r}] must be a finite number, or NaN where there is none, for each of the {count:,} images."
        )
    return column.astype(np.float64)


def _described(captions: Sequence[str | Sequence[str]] | None, count: int) -> Captions:
    """Return the captions of each image; empty if none has any."""
    if captions is None:
        return ()
    if isinstance(captions, str) or len(captions) != count:
        raise NevoaError(f"Captions must be a text, or a list of texts, for each of the {count:,} images.")
    several = [[one] if isinstance(one, str) else list(one) for one in captions]
    if wrong := next((text for of in several for text in of if not isinstance(text, str)), None):
        raise NevoaError(f"A caption must be a text, not {wrong!r:.50}.")
    found = tuple(tuple(captions_in(of)) for of in several)
    return found if any(found) else ()


def _array(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _numbered(labels: Labels | None, classes: Sequence[str] | None, count: int) -> tuple[np.ndarray, Sequence[str]]:
    """Return labels 0…K-1 and the names of the classes."""
    if labels is None:
        return numbered(None, count)
    values = _array(labels)
    if values.shape != (count,) or values.dtype.kind not in "iuU":
        raise NevoaError(
            f"Labels must be one integer or one word for each of the {count:,} images, not {values.dtype} "
            f"{list(values.shape)}."
        )
    if classes is None or values.dtype.kind == "U":
        return numbered(values, count)
    if not 0 <= values.min() <= values.max() < len(classes):
        raise NevoaError(
            f"Labels must be 0 to {len(classes) - 1} for {len(classes)} classes, not {values.min()} to {values.max()}."
        )
    return values, classes


def _from_dataset(source: Dataset[Any]) -> tuple[UInt8[np.ndarray, "N H W C"], list[Any] | None]:
    if not isinstance(source, Sized) or not len(source):
        raise NevoaError(f"The {type(source).__name__} needs a length (__len__) of at least 1.")
    images, labels = [], []
    for number in range(len(source)):
        item = source[number]
        image, *label = (item or [None]) if isinstance(item, tuple | list) else [item]
        images.append(_pixels(image, number))
        labels += [_label(value, number) for value in label[:1]]
    if labels and len(labels) < len(images):
        raise NevoaError(
            f"Only {len(labels):,} of the {len(images):,} items of the Dataset have a label: label all of them or none."
        )
    return stacked(images, "number {}".format, "the Dataset"), labels or None


def _label(value: Any, number: int) -> int | str:
    label = _array(value)
    if label.size != 1 or label.dtype.kind not in "iuU":
        raise NevoaError(f"The label of item {number} of the Dataset is {value!r:.50}: give one integer or class name.")
    return label.item()


def _pixels(image: Any, number: int) -> UInt8[np.ndarray, "H W C"]:
    """Return item `number` of a Dataset as gray or RGB pixels; tensors may have their channels first."""
    if isinstance(image, Image.Image):
        return pixels_of(opaque(image))
    if not isinstance(image, np.ndarray | Tensor):
        raise NevoaError(f"Item {number} of the Dataset is of type {type(image).__name__}, not an image.")
    pixels = _array(image)
    if pixels.dtype != np.uint8:
        raise NevoaError(
            f"Image {number} of the Dataset is {pixels.dtype}: give uint8 (0…255), that is, leave out ToTensor and "
            "Normalize."
        )
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    first = pixels.ndim == 3 and pixels.shape[0] in (1, 3)
    if first and (isinstance(image, torch.Tensor) or pixels.shape[2] not in (1, 3)):
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or 0 in pixels.shape:
        raise NevoaError(f"Image {number} of the Dataset has shape {list(image.shape)}: give [H, W, C] or [C, H, W].")
    return pixels
