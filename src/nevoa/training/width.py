"""The width of a residual network for the computation that a budget pays for: the law of docs/scaling-laws.md."""

import warnings
from dataclasses import dataclass

from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.network_config import ResidualUNetConfig
from nevoa.objects import NAMES, Objects
from nevoa.training.profile import Profile

# The width is rounded up to one of these, not to the nearest: narrower networks compute fewer FLOP per second.
WIDTHS = 16, 24, 32, 48, 64, 96
# benchmarks/scaling/fit.py fits both numbers to trials of up to MOST operations on images of PIXELS.
WIDTH_AT_1E13, EXPONENT = 16.3, 0.195
MOST = 1.6e14
PIXELS = 28 * 28
# Floating-point operations of training on one of these images, by the square of the width.
FLOP_BY_WIDTH = 2.75e5
# The speed is measured with this width, for this many seconds: an error of 20 % moves the best width by 4 %.
REFERENCE, TIMING_SECONDS = 32, 0.6


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


def best_width(flop: float, pixels: int = PIXELS) -> Width:
    """Return the width that gives the best images for `flop` operations of training, rounded up to one of `WIDTHS`.

    An image takes operations in proportion to its pixels, so a larger one counts as several of the trials'. Computation
    above that of the trials is extrapolated, with a warning.

    Args:
        pixels: height x width of an image.
    """
    flop_of_trials = flop * PIXELS / pixels
    if flop_of_trials > MOST:
        warnings.warn(
            f"The best width for {in_words(flop)} FLOP is extrapolated: the trials went up to "
            f"{in_words(MOST * pixels / PIXELS)} FLOP.",
            stacklevel=2,
        )
    ideal = WIDTH_AT_1E13 * (flop_of_trials / 1e13) ** EXPONENT
    return Width(next((dim for dim in WIDTHS if dim >= ideal), WIDTHS[-1]), flop)


def flop_of_images(images: int, pixels: int = PIXELS) -> float:
    """Return the operations of training on so many images with the width that is the best for just these operations."""
    by_width = FLOP_BY_WIDTH * images
    ideal = (WIDTH_AT_1E13 * (by_width / 1e13) ** EXPONENT) ** (1 / (1 - 2 * EXPONENT))
    return by_width * ideal**2 * pixels / PIXELS


def chosen_width(config: Config, images: ImageSet, objects: Objects = NAMES) -> Width | None:
    """Return the best width for the budget, or None if the config does not leave it open.

    A budget of minutes is worth what this machine computes in them; steps and epochs are worth their images.
    """
    network, training = config.network, config.training
    if not isinstance(network, ResidualUNetConfig) or network.dim != "auto":
        return None
    _, height, width = images.shape
    pixels = height * width
    if training.minutes is not None:
        return best_width(60 * training.minutes * _flop_per_second(config, images, objects), pixels)
    seen = (training.epochs or 0) * len(images) or (training.steps or 0) * training.batch_size
    return best_width(flop_of_images(round(seen), pixels), pixels)


def _flop_per_second(config: Config, images: ImageSet, objects: Objects) -> float:
    profile = Profile(config.updated("network", dim=REFERENCE), images, objects)
    profile.check_memory()
    return config.training.batch_size * profile.flop_per_image / profile.timed(TIMING_SECONDS)
