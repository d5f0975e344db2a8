"""Which image is at each position of the endless stream: a function of the seed and the position."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Int64

from nevoa._util.random import Stream, generator

Positions = Int64[np.ndarray, " B"]
Indices = Int64[np.ndarray, " B"]
Members = Sequence[Int64[np.ndarray, " _"]]


def in_epochs(seed: int, total: int, positions: Positions) -> Indices:
    """Return the index of the image at each position: epoch after epoch, each of all images in its own random order.

    Example:
        >>> sorted(in_epochs(0, 4, np.arange(4)).tolist())
        [0, 1, 2, 3]
    """
    epochs, places = np.divmod(positions, total)
    for epoch in np.unique(epochs).tolist():
        of_epoch = epochs == epoch
        places[of_epoch] = _epoch(seed, epoch, total)[places[of_epoch]]
    return places


def evenly(seed: int, members: Members, positions: Positions) -> Indices:
    """Return the index of the image at each position: round after round, each of one image of every class.

    The classes of a round are in random order. Of each class, its images come epoch after epoch, as in `in_epochs`.

    Args:
        members: the indices of the images of each class; none is empty.

    Example:
        >>> sorted(evenly(0, [np.array([7]), np.array([8, 9])], np.arange(4)).tolist())
        [7, 7, 8, 9]
    """
    rounds, places = np.divmod(positions, len(members))
    return np.array([_of_round(seed, members, *each) for each in zip(rounds.tolist(), places.tolist(), strict=True)])


def _of_round(seed: int, members: Members, number: int, place: int) -> int:
    label = int(_order(seed, Stream.CLASSES, number, len(members))[place])
    epoch, index = divmod(number, len(members[label]))
    own = epoch * len(members) + label  # its epochs and those of other classes are in orders of their own
    return int(members[label][_order(seed, Stream.IN_CLASS, own, len(members[label]))[index]])


# A batch may span two epochs. The order of a million images takes 8 MB.
@lru_cache(maxsize=2)
def _epoch(seed: int, epoch: int, total: int) -> Int64[np.ndarray, " total"]:
    return generator(seed, Stream.ORDER, epoch).permutation(total)


# With more classes than this the order of a class is drawn anew for each image.
@lru_cache(maxsize=64)
def _order(seed: int, stream: Stream, position: int, total: int) -> Int64[np.ndarray, " total"]:
    return generator(seed, stream, position).permutation(total)
