"""Width and batch size for a training budget: the law of docs/scaling-laws.md."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log

from nevoa.config import Config
from nevoa.config.network import ResidualUNetConfig
from nevoa.data import ImageSet
from nevoa.errors import MemoryShortage
from nevoa.objects import NAMES, Objects
from nevoa.training.profile import Profile
from nevoa.training.speeds import Speeds

WIDTHS = 16, 24, 32, 48, 64, 96
# benchmarks/scaling/fit.py fits these numbers to trials of up to MOST operations on images of PIXELS.
WIDTH_AT_1E13, EXPONENT = 16.5, 0.204
LIMIT, DISTANCE_AT_1E13, FALL, SPREAD = 0.207, 2.05, 0.676, 0.539
MOST = 5e14
PIXELS = 28 * 28
# Floating-point operations of training on one of these images, by the square of the width.
FLOP_BY_WIDTH = 2.75e5
# Batches of 64 images compute 1.1 to 1.5 times as many images per second as those of 32. After 5e12 operations their
# distance is 1.24 times as large, after 5e13 1.02 times (with the prediction v and uniform timesteps).
SMALL_BATCH, LARGE_BATCH, MANY = 32, 64, 4e13
# The width that is timed first.
REFERENCE = 32
# So many are timed: the best for the speed of the reference, and wider ones, because no machine computes them slower.
CANDIDATES = 4


@dataclass(frozen=True)
class Width:
    """The best width of a network.

    Attributes:
        dim: channels of its first stage.
        flop: the floating-point operations of training that it is the best for.
    """

    dim: int
    flop: float

    def __str__(self) -> str:
        return f"{self.dim}, the best for {in_words(self.flop)} FLOP"


def in_words(flop: float) -> str:
    """Return a number of operations as 2.6e13."""
    return f"{flop:.2g}".replace("e+", "e")


def ideal_width(flop: float) -> float:
    """Return the width with the best images after `flop` operations of training: a power law."""
    return WIDTH_AT_1E13 * (flop / 1e13) ** EXPONENT


def expected_distance(flop: float, dim: int) -> float:
    """Return `fd_fashion` of the trials' images, of a network of a width after `flop` operations of training.

    What is above LIMIT falls as a power of the operations. Its logarithm rises with u - 1 - log u, which is 0 at the
    ideal width, where u is 1, and steeper below it than above.
    """
    u = (ideal_width(flop) / dim) ** 2
    return LIMIT + DISTANCE_AT_1E13 * (flop / 1e13) ** -FALL * exp(SPREAD * (u - 1 - log(u)))


def best_width(flop: Mapping[int, float], scale: float = 1.0) -> Width:
    """Return the width with the best images.

    An image takes operations in proportion to its pixels, so a larger one counts as several of the trials'.

    Args:
        flop: the operations of training that each width can have.
        scale: pixels of an image of the trials / pixels of an image.
    """
    dim = min(flop, key=lambda dim: expected_distance(flop[dim] * scale, dim))
    return Width(dim, flop[dim])


def flop_of_images(images: int) -> float:
    """Return the operations of training on so many of the trials' images with the ideal width for these operations."""
    by_width = FLOP_BY_WIDTH * images
    ideal = ideal_width(by_width) ** (1 / (1 - 2 * EXPONENT))
    return by_width * ideal**2


def sized(config: Config, images: ImageSet, objects: Objects = NAMES) -> tuple[Config, Width | None]:
    """Return the config with the width and the batch size where it leaves them open, and the width if it did.

    A budget of minutes is worth what this machine computes in them: narrow networks keep some machines less busy. Steps
    and epochs are worth their images, in small batches. More computation than in the trials gives a warning.
    """
    is_open = isinstance(config.network, ResidualUNetConfig) and config.network.dim == "auto"
    if not is_open and config.training.batch_size != "auto":
        return config, None
    scale = PIXELS / (images.shape[1] * images.shape[2])
    if config.training.minutes is None:
        config = _with_batch(config, SMALL_BATCH)
        width = _best_for_images(config, len(images), scale) if is_open else None
    else:
        config, width = _sized_by_time(config, images, objects, scale, is_open)
    if width is None:
        return config, None
    if width.flop * scale > MOST:
        warnings.warn(
            f"The best width for {in_words(width.flop)} FLOP is extrapolated: the trials went up to "
            f"{in_words(MOST / scale)} FLOP.",
            stacklevel=2,
        )
    return config.updated("network", dim=width.dim), width


def _with_batch(config: Config, batch_size: int) -> Config:
    """The config with this batch size if it leaves it open."""
    return config.updated("training", batch_size=batch_size) if config.training.batch_size == "auto" else config


def _best_for_images(config: Config, count: int, scale: float) -> Width:
    """The best width for the images that are seen in the epochs of so many, or in the steps."""
    training = config.training
    seen = round((training.epochs or 0) * count) or (training.steps or 0) * training.known_batch_size
    return best_width(dict.fromkeys(WIDTHS, flop_of_images(max(1, seen)) / scale), scale)


def _sized_by_time(
    config: Config, images: ImageSet, objects: Objects, scale: float, is_open: bool
) -> tuple[Config, Width | None]:
    """The config with a batch size for the minutes, and the best width by the speeds of this machine."""
    seconds = 60 * (config.training.minutes or 0)
    first = config.updated("network", dim=REFERENCE) if is_open else config
    reference = Profile(_with_batch(first, SMALL_BATCH), images, objects)
    reference.check_memory()
    speeds = Speeds(reference)
    flop = seconds * speeds.reference
    config = _with_batch(config, LARGE_BATCH if flop * scale >= MANY else SMALL_BATCH)
    if not is_open:
        return config, None
    nearest = WIDTHS.index(best_width(dict.fromkeys(WIDTHS, flop), scale).dim)
    widths = WIDTHS[nearest : nearest + CANDIDATES]
    profiles = [Profile(config.updated("network", dim=width), images, objects) for width in widths]
    computed = {width: seconds * speed for width, speed in zip(widths, _within_memory(profiles, speeds), strict=False)}
    # Where there is memory for none of them, there is for the reference.
    return config, best_width(computed or {REFERENCE: flop}, scale)


def _within_memory(profiles: list[Profile], speeds: Speeds) -> list[float]:
    """The speeds of the narrow ones, for which there is memory: by the estimate, which is the least, and indeed."""
    while profiles:
        try:
            for profile in profiles:
                profile.check_memory()
            return speeds.of(profiles)
        except MemoryShortage:
            profiles.pop()
    return []
