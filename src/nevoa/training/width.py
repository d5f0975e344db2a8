"""The width of a residual network for a training budget: the law of docs/scaling-laws.md."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp, log

from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.network_config import ResidualUNetConfig
from nevoa.objects import NAMES, Objects
from nevoa.training.budget import in_turn
from nevoa.training.profile import Profile

WIDTHS = 16, 24, 32, 48, 64, 96
# benchmarks/scaling/fit.py fits these numbers to trials of up to MOST operations on images of PIXELS.
WIDTH_AT_1E13, EXPONENT, FALL, SPREAD = 16.1, 0.197, 0.592, 0.451
MOST = 1.6e14
PIXELS = 28 * 28
# Floating-point operations of training on one of these images, by the square of the width.
FLOP_BY_WIDTH = 2.75e5
# The width that is timed first. Others take turns of this share of the minutes, within limits.
REFERENCE, TURN_SHARE, SHORTEST, LONGEST = 32, 0.0005, 0.05, 0.2
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
    """Return the distance of the images of a width after `flop` operations, up to a constant factor.

    It falls as a power of the operations. Its logarithm rises with the square of log(width / ideal width).
    """
    return (flop / 1e13) ** -FALL * exp(SPREAD * log(dim / ideal_width(flop)) ** 2)


def best_width(flop: Mapping[int, float], pixels: int = PIXELS) -> Width:
    """Return the width with the best images.

    An image takes operations in proportion to its pixels, so a larger one counts as several of the trials'.

    Args:
        flop: the operations of training that each width can have.
        pixels: height x width of an image.
    """
    dim = min(flop, key=lambda dim: expected_distance(flop[dim] * PIXELS / pixels, dim))
    return Width(dim, flop[dim])


def flop_of_images(images: int, pixels: int = PIXELS) -> float:
    """Return the operations of training on so many images with the ideal width for just these operations."""
    by_width = FLOP_BY_WIDTH * images
    ideal = ideal_width(by_width) ** (1 / (1 - 2 * EXPONENT))
    return by_width * ideal**2 * pixels / PIXELS


def chosen_width(config: Config, images: ImageSet, objects: Objects = NAMES) -> Width | None:
    """Return the best width for the budget, or None if the config does not leave it open.

    A budget of minutes is worth what this machine computes in them with each width: narrow networks keep some machines
    less busy. Steps and epochs are worth their images. Computation above that of the trials is extrapolated, with a
    warning.
    """
    network, training = config.network, config.training
    if not isinstance(network, ResidualUNetConfig) or network.dim != "auto":
        return None
    _, height, width = images.shape
    pixels = height * width
    if training.minutes is None:
        seen = (training.epochs or 0) * len(images) or (training.steps or 0) * training.batch_size
        chosen = best_width(dict.fromkeys(WIDTHS, flop_of_images(round(seen), pixels)), pixels)
    else:
        chosen = _best_here(config, images, objects, pixels)
    most = MOST * pixels / PIXELS
    if chosen.flop > most:
        warnings.warn(
            f"The best width for {in_words(chosen.flop)} FLOP is extrapolated: the trials went up to "
            f"{in_words(most)} FLOP.",
            stacklevel=2,
        )
    return chosen


def _best_here(config: Config, images: ImageSet, objects: Objects, pixels: int) -> Width:
    """The best width for the minutes by the speeds of this machine."""
    seconds = 60 * (config.training.minutes or 0)
    turn = min(LONGEST, max(SHORTEST, TURN_SHARE * seconds))

    def flop(profiles: Mapping[int, Profile]) -> dict[int, float]:
        steps = in_turn([profile.seconds() for profile in profiles.values()], turn)
        images_seen = [config.training.batch_size * seconds / step for step in steps]
        return {dim: n * profiles[dim].flop_per_image for dim, n in zip(profiles, images_seen, strict=True)}

    reference = Profile(config.updated("network", dim=REFERENCE), images, objects)
    reference.check_memory()
    nearest = best_width(dict.fromkeys(WIDTHS, flop({REFERENCE: reference})[REFERENCE]), pixels)
    first = WIDTHS.index(nearest.dim)
    wider = dict(_affordable(config, images, objects, WIDTHS[first : first + CANDIDATES]))
    return best_width(flop(wider or {REFERENCE: reference}), pixels)


def _affordable(
    config: Config, images: ImageSet, objects: Objects, widths: tuple[int, ...]
) -> Iterator[tuple[int, Profile]]:
    """The widths for which there is memory."""
    for width in widths:
        profile = Profile(config.updated("network", dim=width), images, objects)
        try:
            profile.check_memory()
        except NevoaError:
            return
        yield width, profile
