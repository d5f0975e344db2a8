"""The horizon of a training, in images, and how far its cool-down is.

A budget of minutes, and patience that ends, move the horizon while training. The learning rate then stays continuous.
"""

from dataclasses import dataclass

# A horizon is decided anew after a sixteenth of the images that are left: seldom at first, often at the end. After an
# eighth, a machine that turned seven times slower soon after the start took 5 minutes to 6:30 (simulated).
NEXT = 16


@dataclass(frozen=True)
class Horizon:
    """The number of images at which a training ends, and the decision that it results from.

    Attributes:
        images: `images_seen` at the end.
        since: `images_seen` when it was decided.
        cooled: the share of the cool-down that had passed by then.
        cooling: whether the cool-down goes on from there, however long it is, and whatever the plan says.
    """

    images: int
    since: int = 0
    cooled: float = 0.0
    cooling: bool = False

    def moved(self, images_seen: int, images: int, cooldown: float) -> "Horizon":
        """Return the horizon at another number of images, decided after `images_seen`."""
        return Horizon(images, images_seen, self.cooled_at(images_seen, cooldown), self.cooling)

    def next_decision(self, batch_size: int) -> int:
        """`images_seen` at which the horizon is decided again: whole batches after the last decision."""
        return self.since + batch_size * max(1, (self.images - self.since) // (NEXT * batch_size))

    def cooled_at(self, images_seen: int, cooldown: float) -> float:
        """Return the share of the cool-down that has passed after so many images.

        Args:
            cooldown: the share of the images, at their end, in which the learning rate decays.
        """
        begin = self.since if self.cooling else max(self.since, (1 - cooldown) * self.images)
        passed = 0.0 if images_seen <= begin else min(1.0, (images_seen - begin) / (self.images - begin))
        return self.cooled + (1 - self.cooled) * passed
