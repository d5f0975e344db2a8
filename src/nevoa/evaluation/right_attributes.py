"""Does an image show what its prompt asks for? A classifier that was trained on real images reads its attributes.

A data set whose table has a column `attributes` says there what is to be seen, in words with commas between: as many
words for each image, in the same order. An image is right if all of them are.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from nevoa._util.random import Stream, generator
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.evaluation.stage import Stage
from nevoa.features.attributes import new_reader, prepare_reader

COLUMN = "attributes"
# Of 500 images, a share of 0.9 has a standard error of 0.013.
IMAGES = 500

Codes = Int64[np.ndarray, "N A"]
Right = Bool[np.ndarray, " N"]
Make = Callable[[Sequence[str]], Generator[Stage, None, UInt8[np.ndarray, "N H W C"]]]


@dataclass(frozen=True)
class Described:
    """Images with captions, and the numbers of their attributes.

    Attributes:
        counts: how many values each attribute has.
    """

    images: ImageSet
    codes: Codes
    counts: tuple[int, ...]

    def some(self, rng: np.random.Generator) -> "Described":
        """Return up to 500 of those that have a caption."""
        described = np.flatnonzero([bool(of) for of in self.images.captions])
        chosen = np.sort(rng.permutation(described)[:IMAGES])
        return Described(self.images.take(chosen), self.codes[chosen], self.counts)

    def prompts(self, rng: np.random.Generator) -> list[str]:
        """Return one of the captions of each image."""
        return [of[int(rng.integers(len(of)))] for of in self.images.captions]


def described(images: Sequence[ImageSet], named: Sequence[ImageSet]) -> tuple[Described, ...]:
    """Join sets of images with the same sets whose captions are their attributes.

    Raises:
        NevoaError: the images do not have the same number of attributes.
    """
    words = [
        [tuple(word.strip() for of in captions for word in of.split(",")) for captions in one.captions] for one in named
    ]
    every = [row for rows in words for row in rows]
    if len({*map(len, every)}) != 1 or not every[0]:
        raise NevoaError(
            f"The column {COLUMN} of {images[0].name} must have the same number of words for each image, with commas "
            "between."
        )
    known = [{word: number for number, word in enumerate(sorted({*column}))} for column in zip(*every, strict=True)]
    counts = tuple(map(len, known))
    codes = [np.array([[of[word] for of, word in zip(known, row, strict=True)] for row in rows]) for rows in words]
    return tuple(Described(one, of, counts) for one, of in zip(images, codes, strict=True))


def right_attributes(
    train: Described, test: Described, make: Make, seed: int = 0
) -> Generator[Stage, None, dict[str, Right]]:
    """Return for up to 500 images each whether a reader finds all attributes that their prompts name.

    Yields a Stage after each step of the reader's training, if it is new, and those of `make`.

    Args:
        train: images that the model and the reader were trained on.
        test: held-out images.
        make: from prompts to new images.

    Returns:
        `trained` and `held_out`: new images of the prompts of training images and of held-out ones; `real`: held-out
        images themselves; `shuffled`: the new ones of held-out prompts, by the attributes of another image.
    """
    reader = new_reader(train.images.shape[0], train.counts)
    for done, steps in prepare_reader(reader, train.images, train.codes):
        yield Stage("training a reader of attributes", done, steps)
    rng = generator(seed, Stream.EVALUATION, 10)
    known, new = train.some(rng), test.some(rng)

    def right(images: UInt8[np.ndarray, "N H W C"], codes: Codes) -> Right:
        return (reader.read(images) == codes).all(1)

    made = yield from make(new.prompts(rng))
    of_known = yield from make(known.prompts(rng))
    return {
        "trained": right(of_known, known.codes),
        "held_out": right(made, new.codes),
        "real": right(new.images.images, new.codes),
        "shuffled": right(made, np.roll(new.codes, 1, axis=0)),
    }
