"""What data say about their images besides the class: captions, tags and numbers."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from nevoa.config.names import TAGS, TEXT

if TYPE_CHECKING:
    from nevoa.data import ImageSet

MOST_SHOWN = 12


def captions_in_words(images: "ImageSet", condition: Collection[str]) -> Iterator[str]:
    """Yield how many captions there are, and their tags or words."""
    from nevoa.data.words import counted_words

    captions, tags = Counter(one for of in images.captions for one in of), tags_of(images, condition)
    once = sum(count == 1 for count in captions.values())
    yield f"captions: {captions.total():,} of {sum(map(bool, images.captions)):,} images, {once:,} of them used once"
    if tags:
        yield f"tags: {_counted(tags)}"
    if TEXT in condition or not tags:
        yield f"words: {_counted(counted_words(images.captions))}"


def _counted(found: Counter[str]) -> str:
    common = ", ".join(f"{one} ({count:,})" for one, count in found.most_common(MOST_SHOWN))
    return f"{len(found):,}, the most frequent {common}"


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


def numbers_in_words(images: "ImageSet") -> str:
    """The numbers, with their ranges."""
    found = [
        f"{name} {one['low']:g} to {one['high']:g} ({one['images']:,} images)" for name, one in ranges(images).items()
    ]
    more = f" and {len(found) - MOST_SHOWN:,} more" if len(found) > MOST_SHOWN else ""
    return f"numbers: {', '.join(found[:MOST_SHOWN])}{more}"
