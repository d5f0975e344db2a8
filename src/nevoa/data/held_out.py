"""Images that are set aside to measure a model with, and never trained on."""

from contextlib import suppress
from hashlib import sha256

import numpy as np

from nevoa._util.files import read_text, write_text
from nevoa._util.places import is_hub
from nevoa.config import DataConfig
from nevoa.config.names import DivisionName
from nevoa.data.cache import cache_folder, made_cache_folder
from nevoa.data.catalog import CATALOG
from nevoa.data.find import Source, find_source
from nevoa.data.listing import Listing
from nevoa.data.reading import selected
from nevoa.data.splits import HELD_OUT, TRAIN, split_named
from nevoa.data.store import ImageSet
from nevoa.errors import NevoaError

# By default, of so many images or more: a tenth, within a limit, and of MANY images or more at least FEWEST.
WORTH_DIVIDING, MANY, FEWEST, MOST = 80, 1_000, 160, 10_000
# Those that choose take time at every report. Distances need as many images as there are features.
CHOOSING, SCORING = 128, 128


def with_held_out(source: Source, data: DataConfig, place: str) -> DataConfig:
    """Return the config with the number of images to set aside. A NevoaError if there is a number for another split.

    A choice of `auto` is remembered in the cache, because it takes listing the source.

    Args:
        place: the name that the store of the config would have.
    """
    if split_named(data.split) not in (TRAIN, HELD_OUT):
        if data.holdout not in (0, "auto"):
            raise NevoaError(
                f"The split is {data.split}, and only images of the split train are set aside: leave out data.holdout."
            )
        return data.model_copy(update={"holdout": 0})
    if data.holdout != "auto":
        return data
    path = cache_folder() / f".{place}.set-aside"
    with suppress(NevoaError, ValueError):
        return data.model_copy(update={"holdout": int(read_text(path))})
    number = default_number(source, data)
    write_text(made_cache_folder() / path.name, str(number))
    return data.model_copy(update={"holdout": number})


def default_number(source: Source, data: DataConfig) -> int:
    """Return how many images of a source to set aside: a tenth, of 1,000 or more at least 160, and at most 10,000.

    It is 0 for a source with fewer than 80 images or with test images.
    """
    if _has_test_images(source.text):
        return 0
    count = len(selected(source.list(), data))
    if count < WORTH_DIVIDING:
        return 0
    return min(MOST, max(count // 10, FEWEST if count >= MANY else 0))


def divided(listing: Listing, data: DataConfig) -> Listing:
    """Return the images that are set aside if `data.split` asks for them, else the others.

    The names of the files decide, by their hash.
    """
    number = int(data.holdout)
    if number >= len(listing):
        raise NevoaError(
            f"Cannot set aside {number:,} images to measure with: there are {len(listing):,}. Choose a smaller "
            "data.holdout, or 0."
        )
    # Not a permutation of the numbers: one more file would then divide all of them anew.
    order = np.array(sorted(range(len(listing)), key=lambda index: _hash(listing.file(index))))
    return listing.take(np.sort(order[:number] if data.split == HELD_OUT else order[number:]))


def choosing_count(held_out: int) -> int:
    """How many of so many held-out images choose a model.

    Example:
        >>> choosing_count(100), choosing_count(1_000)
        (50, 128)
    """
    return held_out // 2 if held_out < FEWEST else min(CHOOSING, held_out - SCORING)


def choosing_and_scoring(held_out: ImageSet, division: DivisionName = "pixels") -> tuple[ImageSet, ImageSet]:
    """Divide held-out images into those that choose a model and those that score it.

    Of fewer than 160 each half; of more 128 or more score, and at most 128 choose. The hash of their pixels decides, so
    that all models of the same images are scored by the same ones. One more image hardly changes the division, unless
    it is the 160th.

    Args:
        division: `places` spreads those that choose evenly over all, as older runs did.

    Example:
        >>> choosing, scoring = choosing_and_scoring(load_images("shapes", limit=100))
        >>> len(choosing), len(scoring)
        (50, 50)
    """
    count = choosing_count(len(held_out))
    if division == "pixels":
        order = sorted(range(len(held_out)), key=lambda index: sha256(held_out.images[index].tobytes()).digest())
    else:
        order = [index * len(held_out) // count for index in range(count)]
    chosen = np.zeros(len(held_out), bool)
    chosen[order[:count]] = True
    return held_out.part(np.flatnonzero(chosen)), held_out.part(np.flatnonzero(~chosen))


def _hash(name: str) -> bytes:
    return sha256(name.encode(errors="surrogateescape")).digest()


def _has_test_images(text: str) -> bool:
    if text in CATALOG:
        return "test" in CATALOG[text].counts or CATALOG[text].part_of is not None
    try:
        return len(find_source(text, "test").list()) > 0
    except NevoaError as error:
        if is_hub(text) and isinstance(error.__cause__, ConnectionError):  # a lost network is no answer to remember
            raise
        return False
