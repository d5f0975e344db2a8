"""Patches, stages and batches that suit the size of the images."""

import math
from collections.abc import Mapping
from typing import Any

from nevoa.config.network import FEWEST_STAGES
from nevoa.model import Shape

# Images of up to so many pixels have patches of 2x2, larger ones of 4x4: at 128x128 their loss after 3e13 operations is
# 0.228 instead of 0.254. But where a picture says a part of the image, only its details are to be learned, and patches
# of 2x2 learn them better: enlarged images have a distance of 0.032 instead of 0.050 (docs/experiments.md).
SMALL, SMALL_PATCH, LARGE_PATCH = 64 * 64, 2, 4
# The middle of a network attends between all of its positions. Two stages leave 64x64 of an image of 256x256 in patches
# of 2x2, and three fifths of a step at width 16 go into that. Three stages see 3 times as many images per second (1.8
# times at width 32) in less than half the memory.
MIDDLE = 32 * 32
# Batches of 64 images compute 1.1 to 1.5 times as many images per second as those of 32. After 5e12 operations their
# distance is 1.24 times as large, after 5e13 1.02 times (with the prediction v and uniform timesteps).
SMALL_BATCH, LARGE_BATCH = 32, 64
# Where a picture says a part of the image, larger images than this come in batches of as many pixels, but of at least
# eight images: they fill two cores as well, and make more steps. 22,400 images of 128x128 that were enlarged twice have
# a distance of 0.018 in batches of 8 and of 0.029 in batches of 32 (docs/experiments.md).
LARGE_IMAGE, FEWEST = 64 * 64, 8


def batch_for(shape: Shape, details: bool, size: int = SMALL_BATCH) -> int:
    """Images in a batch, where small ones come in batches of `size`.

    Args:
        details: whether a picture says a part of the image.

    Example:
        >>> batch_for((3, 128, 128), details=True), batch_for((3, 128, 128), details=False)
        (8, 32)
    """
    return min(size, max(FEWEST, size * LARGE_IMAGE // math.prod(shape[1:]))) if details else size


def network_for(shape: Shape, asked: Mapping[str, Any], details: bool) -> dict[str, Any]:
    """The keys of a network, with values for those of patches and stages that are "auto".

    Args:
        asked: the keys as they are asked for.
        details: whether a picture says a part of the image.

    Example:
        >>> network_for((3, 256, 256), {"patch": "auto", "multipliers": "auto"}, details=True)
        {'patch': 2, 'multipliers': (1, 2, 2)}
    """
    height, width = shape[1:]
    network = dict(asked)
    if network.get("patch") == "auto":
        network["patch"] = SMALL_PATCH if details or height * width <= SMALL else LARGE_PATCH
    if network.get("multipliers") == "auto":
        given = network.get("attention", "auto")
        stages = _stages(height, width, network.get("patch", 1)) if given == "auto" else len(given)
        network["multipliers"] = (1, *(2,) * (stages - 1))
    if network.get("attention") == "auto":
        network["attention"] = (False,) * len(network["multipliers"])
    return network


def _stages(height: int, width: int, patch: int) -> int:
    """The fewest stages of which the last has no more positions than MIDDLE."""
    stages, side = FEWEST_STAGES, patch * 2 ** (FEWEST_STAGES - 1)
    while math.ceil(height / side) * math.ceil(width / side) > MIDDLE:
        stages, side = stages + 1, 2 * side
    return stages
