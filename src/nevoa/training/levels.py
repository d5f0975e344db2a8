"""The training loss by noise level: it shows where between image and noise a network errs."""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from nevoa.training.state import Mean

# Ranges of log_snr, the same for all schedules, so that the losses of two runs compare.
EDGES = torch.tensor([-6.0, -3.0, 0.0, 3.0, 6.0], dtype=torch.float64)
LEVELS = "below_-6", "-6_to_-3", "-3_to_0", "0_to_3", "3_to_6", "above_6"


def add_by_level(means: dict[str, Mean], losses: Float[Tensor, " B"], log_snr: Float64[Tensor, " B"]) -> None:
    """Add the loss of each image to the mean of its range of log_snr."""
    for level, loss in zip(torch.bucketize(log_snr, EDGES).tolist(), losses.tolist(), strict=True):
        means.setdefault(LEVELS[level], Mean()).add(loss)


def by_level(means: Mapping[str, Mean]) -> dict[str, float]:
    """The mean of each range that has images, from noise to image."""
    return {level: means[level].value for level in LEVELS if level in means}
