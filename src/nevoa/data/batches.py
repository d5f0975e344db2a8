"""The order of the training images and what is done to them: functions of (seed, images_seen)."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Int64

from nevoa.config.augmentation import Chances
from nevoa.data.augmentation import Augmentation
from nevoa.data.order import evenly, in_epochs
from nevoa.data.sources.arrays import give_back
from nevoa.data.store import ImageSet


@dataclass(frozen=True)
class Batches:
    """The endless stream of training images: epoch after epoch, each in its own random order.

    `take(first, count)` returns the images at positions first … first + count - 1 of the stream. A batch may span two
    epochs. With `balance` every class is drawn as often as the others, whatever its number of images.

    Args:
        augment: the chance of each transformation of the images, as in the plan of a training.

    Example:
        >>> batch = Batches(load_images("shapes", limit=100), seed=0, augment={"flip": 0.5}).take(0, 64)
    """

    images: ImageSet
    seed: int
    augment: Chances = field(default_factory=dict[str, float])
    balance: bool = False

    @cached_property
    def _augmentation(self) -> Augmentation:
        return Augmentation(self.augment, self.seed, self.images.shape)

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
        """Return images with their labels, captions, numbers and pictures, transformed by chance."""
        taken = self.images.take(self.indices(first, count))
        give_back(self.images.images)
        return self._augmentation.applied(taken, first)

    def augmentations(self, first: int, count: int) -> Float32[np.ndarray, "B numbers"]:
        """Return the numbers that describe what was done to each image: zeros if nothing was."""
        return self._augmentation.numbers(first, count)
