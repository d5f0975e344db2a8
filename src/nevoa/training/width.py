"""The width of a residual network for a training budget: the law of docs/scaling-laws.md."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import exp, inf, log

from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.network_config import ResidualUNetConfig
from nevoa.objects import NAMES, Objects
from nevoa.training.profile import Profile

WIDTHS = 16, 24, 32, 48, 64, 96
# benchmarks/scaling/fit.py fits these numbers to trials of up to MOST operations on images of PIXELS.
WIDTH_AT_1E13, EXPONENT, FALL, SPREAD = 16.1, 0.197, 0.592, 0.451
MOST = 1.6e14
PIXELS = 28 * 28
# Floating-point operations of training on one of these images, by the square of the width.
FLOP_BY_WIDTH = 2.75e5
# The first width that is timed.
REFERENCE = 32
# Each timing takes this share of the minutes within these limits: an error of 20 % moves the best width by 4 %.
TIMING_SHARE, SHORTEST, LONGEST = 0.003, 0.15, 0.6


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
    """Return the distance of the images of a width after `flop` operations, up to a constant factor.

    It falls as a power of the operations. Its logarithm rises with the square of log(width / ideal width).
    """
    return (flop / 1e13) ** -FALL * exp(SPREAD * log(dim / ideal_width(flop)) ** 2)


def best_width(flop_of: Callable[[int], float], pixels: int = PIXELS) -> Width:
    """Return the one of `WIDTHS` with the best images, searched from `REFERENCE` as long as they get better.

    An image takes operations in proportion to its pixels, so a larger one counts as several of the trials'. Computation
    above that of the trials is extrapolated, with a warning.

    Args:
        flop_of: the operations of training that a width can have; each width is asked for once at most.
        pixels: height x width of an image.
    """
    flop_of = cache(flop_of)

    def distance(place: int) -> float:
        if not 0 <= place < len(WIDTHS):
            return inf
        flop = flop_of(WIDTHS[place])
        return expected_distance(flop * PIXELS / pixels, WIDTHS[place]) if flop else inf

    place = WIDTHS.index(REFERENCE)
    for way in (1, -1):
        while distance(place + way) < distance(place):
            place += way
    chosen = Width(WIDTHS[place], flop_of(WIDTHS[place]))
    most = MOST * pixels / PIXELS
    if chosen.flop > most:
        warnings.warn(
            f"The best width for {in_words(chosen.flop)} FLOP is extrapolated: the trials went up to "
            f"{in_words(most)} FLOP.",
            stacklevel=2,
        )
    return chosen


def flop_of_images(images: int, pixels: int = PIXELS) -> float:
    """Return the operations of training on so many images with the ideal width for just these operations."""
    by_width = FLOP_BY_WIDTH * images
    ideal = ideal_width(by_width) ** (1 / (1 - 2 * EXPONENT))
    return by_width * ideal**2 * pixels / PIXELS


def chosen_width(config: Config, images: ImageSet, objects: Objects = NAMES) -> Width | None:
    """Return the best width for the budget, or None if the config does not leave it open.

    A budget of minutes is worth what this machine computes in them with each width: narrow networks keep some machines
    less busy. Steps and epochs are worth their images.
    """
    network, training = config.network, config.training
    if not isinstance(network, ResidualUNetConfig) or network.dim != "auto":
        return None
    _, height, width = images.shape
    pixels = height * width
    if training.minutes is not None:
        return best_width(lambda dim: _flop_in_budget(dim, config, images, objects), pixels)
    seen = (training.epochs or 0) * len(images) or (training.steps or 0) * training.batch_size
    flop = flop_of_images(round(seen), pixels)
    return best_width(lambda _: flop, pixels)


def _flop_in_budget(dim: int, config: Config, images: ImageSet, objects: Objects) -> float:
    """The operations that fit into the minutes with this width; 0 if it needs more memory than there is."""
    seconds = 60 * (config.training.minutes or 0)
    profile = Profile(config.updated("network", dim=dim), images, objects)
    try:
        profile.check_memory()
    except NevoaError:
        if dim <= REFERENCE:
            raise
        return 0.0
    step = profile.timed(min(LONGEST, max(SHORTEST, TIMING_SHARE * seconds)))
    return seconds / step * config.training.batch_size * profile.flop_per_image
