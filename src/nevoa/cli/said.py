"""Describe the captions, tags, numbers and pictures of images in words."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nevoa.config.names import PICTURE, TAGS, TEXT

if TYPE_CHECKING:
    from nevoa.data import ImageSet

MOST_SHOWN = 12


def as_learned(images: "ImageSet", condition: Collection[str]) -> "ImageSet":
    """Return images with the captions, numbers and pictures that a training of these kinds learns."""
    numbers = {name: column for name, column in images.numbers.items() if f"number:{name}" in condition}
    captions, pictures = images.captions if {TEXT, TAGS} & {*condition} else (), images.pictures
    return replace(images, captions=captions, numbers=numbers, pictures=pictures if PICTURE in condition else None)


def in_words(images: "ImageSet", condition: Collection[str] = ()) -> dict[str, str]:
    """Return in words captions, their tags or words, the ranges of numbers, and pictures, each under its name.

    Args:
        condition: the kinds that a training learns; empty if it takes what there is.
    """
    from nevoa.data.words import counted_words

    rows, tags = {}, tags_of(images, condition)
    if images.captions:
        captions = Counter(one for of in images.captions for one in of)
        rows["captions"] = f"{captions.total():,} for {sum(map(bool, images.captions)):,} images, {_once(captions)}"
    if tags:
        rows["tags"] = _counted(tags)
    if images.captions and (TEXT in condition or not tags):
        rows["words"] = _counted(counted_words(images.captions))
    if images.numbers:
        rows["numbers"] = _numbers(images)
    if images.pictures is not None:
        rows["pictures"] = f"one for each image, {'gray' if images.pictures.shape[3] == 1 else 'RGB'}"
    return rows


def _once(found: Counter[str]) -> str:
    return f"{sum(count == 1 for count in found.values()):,} of them used once"


def _counted(found: Counter[str]) -> str:
    common = ", ".join(f"{one} ({count:,})" for one, count in found.most_common(MOST_SHOWN))
    return f"{len(found):,}, {_once(found)}, the most frequent {common}"


def tags_of(images: "ImageSet", condition: Collection[str]) -> Counter[str]:
    """Return in how many captions each tag occurs; none if a training takes the captions as texts.

    Args:
        condition: the kinds that it learns; empty if it takes what there is.
    """
    from nevoa.data.words import are_tags, counted_tags

    named = {TEXT, TAGS} & {*condition}
    takes_tags = TAGS in named if named else are_tags(images.captions)
    return counted_tags(images.captions) if takes_tags else Counter()


def ranges(images: "ImageSet") -> dict[str, dict[str, Any]]:
    """Return by name the least and the largest of each number, and how many images have one, in JSON types."""
    import numpy as np

    there = {name: column[np.isfinite(column)] for name, column in images.numbers.items()}
    return {
        name: {"low": column.min().item(), "high": column.max().item(), "images": len(column)}
        for name, column in there.items()
        if len(column)
    }


def _numbers(images: "ImageSet") -> str:
    found = [
        f"{name} {one['low']:g} to {one['high']:g} ({one['images']:,} images)" for name, one in ranges(images).items()
    ]
    more = f" and {len(found) - MOST_SHOWN:,} more" if len(found) > MOST_SHOWN else ""
    return f"{', '.join(found[:MOST_SHOWN])}{more}"
