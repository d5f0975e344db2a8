"""Random draws for every training image."""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from nevoa._util.random import Blocks, Stream
from nevoa.conditions import CLASS
from nevoa.config.names import TimestepsName
from nevoa.diffusion import Schedule, log_snr_of, noise_scale, steps_of

# Mean and standard deviation of log sigma, for images of up to 28x28. Karras et al. have a mean of -1.2 for data with
# a standard deviation of 0.5, so it is -0.5 for one of 1.
P_MEAN, P_STD = -0.5, 1.2
# The noise / signal from which on a prompt is needed most, and the share of timesteps drawn there: docs/experiments.md.
# After 64,000 images of emoji, 4 % of prompts give what is nearest to a drawing of theirs, without it 0.7 %.
TAIL_SIGMA, TAIL = 3.0, 0.4

Draw = Callable[[np.random.Generator, int], np.ndarray]


def uniform(steps: int) -> Draw:
    """Draw t from 1 to `steps`, each alike (Ho et al. 2020, algorithm 1)."""
    return lambda rng, count: rng.integers(1, steps + 1, count)


def log_normal(schedule: Schedule, pixels: int) -> Draw:
    """Draw t so that sigma = noise / signal at t is log-normal (Karras et al. 2022, table 1).

    Larger images have more noise, by `noise_scale`: on 64x64 photographs this lowers the distance from 28.5 to 20.0.
    Smaller ones than 28x28 need no less: docs/experiments.md.
    """
    log_sigma, mean = _log_sigma(schedule), P_MEAN + math.log(noise_scale(pixels))
    last = len(log_sigma) - 1
    return lambda rng, count: 1 + np.searchsorted(log_sigma, rng.normal(mean, P_STD, count)).clip(max=last)


def with_tail(draw: Draw, schedule: Schedule, pixels: int) -> Draw:
    """Draw a share of timesteps evenly from those where noise all but hides the image, and the others as `draw` does.

    There the network needs a prompt most; a log-normal sigma is there once in eleven times.
    """
    log_sigma = _log_sigma(schedule)
    first = 1 + min(np.searchsorted(log_sigma, math.log(TAIL_SIGMA * noise_scale(pixels))), len(log_sigma) - 1)

    def drawn(rng: np.random.Generator, count: int) -> np.ndarray:
        noisy = rng.integers(first, len(log_sigma) + 1, count)
        return np.where(rng.random(count) < TAIL, noisy, draw(rng, count))

    return drawn


def draw_of(distribution: TimestepsName, schedule: Schedule, pixels: int) -> Draw:
    """The draw that a config names, for images of so many pixels."""
    if distribution == "uniform":
        return uniform(steps_of(schedule))
    draw = log_normal(schedule, pixels)
    return with_tail(draw, schedule, pixels) if distribution == "log_normal_tail" else draw


def _log_sigma(schedule: Schedule) -> np.ndarray:
    """The logarithm of noise / signal from t = 1 on."""
    return -log_snr_of(schedule)[1:].numpy() / 2


class TrainingNoise:
    """Timestep, noise and dropout of every training image: functions of the seed and the image's position.

    Args:
        label_dropout: share of images from which a condition is withheld, each kind for itself.
        others: the kinds of condition besides classes.
    """

    def __init__(
        self,
        seed: int,
        timestep: Draw,
        shape: tuple[int, int, int],
        label_dropout: float = 0.0,
        others: tuple[str, ...] = (),
    ):
        self._timesteps = Blocks(seed, Stream.TIMESTEP, timestep)
        self._noise = Blocks(seed, Stream.NOISE, _channels_last_noise(shape))
        self._dropped = Blocks(seed, Stream.LABEL_DROPOUT, lambda rng, count: rng.random(count) < label_dropout)
        self._others = Blocks(seed, Stream.CONDITION, lambda rng, count: rng.random((count, len(others), 2)))
        self._label_dropout, self._names = label_dropout, others

    def timesteps(self, first: int, count: int) -> Int64[Tensor, " B"]:
        """t, from 1 to T."""
        return torch.from_numpy(self._timesteps.take(first, count))

    def take(self, first: int, count: int) -> tuple[Tensor, Tensor]:
        """t `[B]`, from 1 to T, and epsilon `[B, C, H, W]`, in channels-last memory."""
        return self.timesteps(first, count), torch.from_numpy(self._noise.take(first, count)).permute(0, 3, 1, 2)

    def of_conditions(self, first: int, count: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """By kind of condition a chance in [0, 1) for each image, and whether the condition is withheld from it."""
        labels, others = self._dropped.take(first, count), self._others.take(first, count)
        chance = {name: others[:, place, 0] for place, name in enumerate(self._names)}
        dropped = {name: others[:, place, 1] < self._label_dropout for place, name in enumerate(self._names)}
        return {CLASS: np.zeros(count), **chance}, {CLASS: labels, **dropped}


def _channels_last_noise(shape: tuple[int, int, int]) -> Draw:
    # Drawn as [N, C, H, W], the order that runs depend on, and laid out once as the convolutions want it.
    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        drawn = rng.standard_normal((count, *shape), dtype=np.float32)
        return np.ascontiguousarray(drawn.transpose(0, 2, 3, 1))

    return draw
