"""Read the items of a torch Dataset: images, pairs of an image and its label, or dictionaries."""

import math
from collections.abc import Mapping, Sequence, Sized
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from nevoa.data.decode import pixels_of
from nevoa.data.given import opened
from nevoa.data.listing import LABEL_COLUMNS, Numbers, columns_of, stacked
from nevoa.data.sources.metadata import CAPTION_COLUMNS, PICTURE_COLUMN
from nevoa.errors import NevoaError

IMAGE_KEY = "image"
KEYS = IMAGE_KEY, PICTURE_COLUMN, *LABEL_COLUMNS, *CAPTION_COLUMNS


class Items(NamedTuple):
    """The items of a Dataset: an entry for each image.

    Attributes:
        labels: None if no item has one.
        captions: None if no item has any.
        numbers: by name; NaN where an item has none.
        pictures: None if no item has one.
    """

    images: UInt8[np.ndarray, "N H W C"]
    labels: list[Any] | None
    captions: list[Sequence[str]] | None
    numbers: Numbers
    pictures: UInt8[np.ndarray, "N H W D"] | None


def items_of(source: Dataset[Any]) -> Items:
    """Return the items of a Dataset. A NevoaError says what is wrong with one of them."""
    if not isinstance(source, Sized) or not len(source):
        raise NevoaError(f"The {type(source).__name__} needs a length (__len__) of at least 1.")
    images, labels, captions, numbers, pictures = [], [], [], [], []
    for number in range(len(source)):
        item = _by_key(source[number], number)
        images.append(_pixels(item[IMAGE_KEY], number))
        labels += [_label(item[key], number) for key in LABEL_COLUMNS if key in item][:1]
        captions.append([text for key in CAPTION_COLUMNS if key in item for text in _texts(key, item[key], number)])
        pictures += [_pixels(item[PICTURE_COLUMN], number)] if PICTURE_COLUMN in item else []
        others = {key: item[key] for key in item if key not in KEYS}
        found = {key: _number(key, value, number) for key, value in others.items()}
        numbers.append({key: value for key, value in found.items() if not math.isnan(value)})
    for key, found in ((LABEL_COLUMNS[0], labels), (PICTURE_COLUMN, pictures)):
        if found and len(found) < len(images):
            raise NevoaError(
                f"Only {len(found):,} of the {len(images):,} items of the Dataset have a {key}: give one to all or to "
                "none."
            )
    arrays = stacked(images, "number {}".format, "the Dataset")
    beside = stacked(pictures, "picture {}".format, "the Dataset") if pictures else None
    return Items(arrays, labels or None, captions if any(captions) else None, columns_of(numbers), beside)


def as_array(values: Any) -> np.ndarray:
    """Return a tensor, an array or a list as an array; lists of different lengths in a list as objects."""
    if isinstance(values, Tensor):
        tensor = values.detach().cpu()
        return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()  # numpy has no bfloat16
    try:
        return np.asarray(values)
    except ValueError:
        return np.asarray(values, object)


def _by_key(item: Any, number: int) -> Mapping[str, Any]:
    """Return what an item says by key, without keys whose value is None."""
    if isinstance(item, Mapping):
        if IMAGE_KEY not in item:
            raise NevoaError(f"Item {number} of the Dataset has no key '{IMAGE_KEY}', but {_listed(item)}.")
        return {str(key): value for key, value in item.items() if value is not None or key == IMAGE_KEY}
    image, *label = (item or [None]) if isinstance(item, tuple | list) else [item]
    return {IMAGE_KEY: image} | ({LABEL_COLUMNS[0]: label[0]} if label else {})


def _listed(item: Mapping[Any, Any]) -> str:
    return ", ".join(f"'{key}'" for key in item) or "no key at all"


def _texts(key: str, value: Any, number: int) -> Sequence[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise NevoaError(f"The {key} of item {number} of the Dataset is {value!r:.50}: give a text or a list of texts.")
    return texts


def _number(key: str, value: Any, number: int) -> float:
    found = as_array(value)
    if found.size != 1 or found.dtype.kind not in "iuf":
        raise NevoaError(
            f"'{key}' of item {number} of the Dataset is {value!r:.50}: give a number, or leave the key out. A class "
            f"has the key {LABEL_COLUMNS[0]}, a caption the key {CAPTION_COLUMNS[0]}."
        )
    return float(found.item())


def _label(value: Any, number: int) -> int | str:
    label = as_array(value)
    if label.size != 1 or label.dtype.kind not in "iuU":
        raise NevoaError(f"The label of item {number} of the Dataset is {value!r:.50}: give one integer or class name.")
    return label.item()


def _pixels(image: Any, number: int) -> UInt8[np.ndarray, "H W C"]:
    """Return item `number` of a Dataset as gray or RGB pixels; tensors may have their channels first."""
    if isinstance(image, Image.Image):
        return pixels_of(opened(image))
    if not isinstance(image, np.ndarray | Tensor):
        raise NevoaError(f"Item {number} of the Dataset is of type {type(image).__name__}, not an image.")
    pixels = as_array(image)
    if pixels.dtype != np.uint8:
        raise NevoaError(
            f"Image {number} of the Dataset is {pixels.dtype}: give uint8 (0…255), that is, leave out ToTensor and "
            "Normalize."
        )
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    first = pixels.ndim == 3 and pixels.shape[0] in (1, 3)
    if first and (isinstance(image, Tensor) or pixels.shape[2] not in (1, 3)):
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or 0 in pixels.shape:
        raise NevoaError(f"Image {number} of the Dataset has shape {list(image.shape)}: give [H, W, C] or [C, H, W].")
    return pixels
