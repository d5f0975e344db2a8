"""The classes that images of a data set should have: each its share."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int64

from nevoa._util.random import Stream, generator
from nevoa.data import ImageSet

DRAWS = 5


def classes_in_shares(training: ImageSet, count: int) -> list[str]:
    """The classes of `count` new images, each class with its share of the training images.

    Each next image has the class that is furthest behind its share, so any first part has these shares, too. Classes
    of equal size come in turn.
    """
    return [training.classes[label] for label in _labels_in_shares(training.labels, count)]


def draws_in_shares(images: ImageSet, count: int, seed: int) -> Iterator[Int64[np.ndarray, " N"]]:
    """Indices of `DRAWS` random draws of `count` images, each class with the share that new images have.

    No draw contains an image twice. Two draws have images in common only if there are too few images for separate
    ones. If there are no more than `count` images, the only draw is all of them.
    """
    rng = generator(seed, Stream.EVALUATION, 2)
    needed = np.bincount(_labels_in_shares(images.labels, min(count, len(images)))).tolist()
    places = [rng.permutation(np.flatnonzero(images.labels == label)) for label in range(len(needed))]
    for draw in range(DRAWS if count < len(images) else 1):
        parts = [np.roll(place, -draw * need)[:need] for place, need in zip(places, needed, strict=True)]
        yield np.sort(np.concatenate(parts))


def _labels_in_shares(labels: Int64[np.ndarray, " N"], count: int) -> list[int]:
    shares = np.bincount(labels)
    given, chosen = np.zeros(len(shares), int), []
    for number in range(1, count + 1):
        label = int(np.argmax(shares * number - given * len(labels)))
        given[label] += 1
        chosen.append(label)
    return chosen
