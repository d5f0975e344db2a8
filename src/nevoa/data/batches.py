"""The order of the training images and which of them are mirrored: functions of (seed, images_seen)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int64

from nevoa._util.random import Blocks, Stream
from nevoa.data.order import evenly, in_epochs
from nevoa.data.sources.arrays import give_back
from nevoa.data.store import ImageSet


@dataclass(frozen=True)
class Batches:
    """The endless stream of training images: epoch after epoch, each in its own random order.

    `take(first, count)` returns the images at positions first … first + count - 1 of the stream. A batch may span two
    epochs. With `balance` every class is drawn as often as the others, whatever its number of images.

    Example:
        >>> batch = Batches(load_images("shapes", limit=100), seed=0, flip=True).take(0, 64)
    """

    images: ImageSet
    seed: int
    flip: bool
    balance: bool = False

    @cached_property
    def _flips(self) -> Blocks:
        return Blocks(self.seed, Stream.FLIP, lambda rng, count: rng.random(count) < 0.5)

    @cached_property
    def _members(self) -> list[Int64[np.ndarray, " N"]]:
        """The images of each class that has some."""
        return [np.flatnonzero(self.images.labels == label) for label in np.unique(self.images.labels)]

    def indices(self, first: int, count: int) -> Int64[np.ndarray, " B"]:
        """Return the index of the image at each position."""
        positions = np.arange(first, first + count)
        if self.balance:
            return evenly(self.seed, self._members, positions)
        return in_epochs(self.seed, len(self.images), positions)

    def take(self, first: int, count: int) -> ImageSet:
        """Return images with their labels, captions, numbers and pictures; some are mirrored, as are their pictures."""
        taken = self.images.take(self.indices(first, count))
        give_back(self.images.images)
        if self.flip:
            mirrored = self._flips.take(first, count)
            for pixels in (taken.images, taken.pictures):
                if pixels is not None:
                    pixels[mirrored] = pixels[mirrored, :, ::-1]
        return taken
