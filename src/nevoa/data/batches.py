"""The order of the training images and which of them are mirrored: functions of (seed, images_seen)."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Int64

from nevoa._util.random import Blocks, Stream, generator
from nevoa.data.sources.arrays import give_back
from nevoa.data.store import ImageSet


@dataclass(frozen=True)
class Batches:
    """The endless stream of training images: epoch after epoch, each in its own random order.

    `take(first, count)` returns the images at positions first … first + count - 1 of the stream. A batch may span two
    epochs.

    Example:
        >>> batch = Batches(load_images("shapes", limit=100), seed=0, flip=True).take(0, 64)
    """

    images: ImageSet
    seed: int
    flip: bool

    @cached_property
    def _flips(self) -> Blocks:
        return Blocks(self.seed, Stream.FLIP, lambda rng, count: rng.random(count) < 0.5)

    def indices(self, first: int, count: int) -> Int64[np.ndarray, " B"]:
        """Return the index of the image at each position."""
        epochs, places = np.divmod(np.arange(first, first + count), len(self.images))
        for epoch in np.unique(epochs).tolist():
            of_epoch = epochs == epoch
            places[of_epoch] = _order(self.seed, epoch, len(self.images))[places[of_epoch]]
        return places

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


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, total: int) -> Int64[np.ndarray, " N"]:
    return generator(seed, Stream.ORDER, epoch).permutation(total)
