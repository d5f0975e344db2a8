"""Random draws for every training image."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from nevoa._util.random import Blocks, Stream


class TrainingNoise:
    """Timestep, noise and label dropout of every training image: functions of the seed and the image's position."""

    def __init__(self, seed: int, timesteps: int, shape: tuple[int, int, int], label_dropout: float = 0.0):
        self._timesteps = Blocks(seed, Stream.TIMESTEP, lambda rng, count: rng.integers(1, timesteps + 1, count))
        self._noise = Blocks(seed, Stream.NOISE, _channels_last_noise(shape))
        self._dropped = Blocks(seed, Stream.LABEL_DROPOUT, lambda rng, count: rng.random(count) < label_dropout)

    def timesteps(self, first: int, count: int) -> Int64[Tensor, " B"]:
        """t, uniform in 1 to T."""
        return torch.from_numpy(self._timesteps.take(first, count))

    def take(self, first: int, count: int) -> tuple[Tensor, Tensor]:
        """t `[B]`, uniform in 1 to T, and epsilon `[B, C, H, W]`, in channels-last memory."""
        return self.timesteps(first, count), torch.from_numpy(self._noise.take(first, count)).permute(0, 3, 1, 2)

    def dropped(self, first: int, count: int) -> Bool[Tensor, " B"]:
        """Whether each image's label is replaced by the null label."""
        return torch.from_numpy(self._dropped.take(first, count))


def _channels_last_noise(shape: tuple[int, int, int]) -> Callable[[np.random.Generator, int], np.ndarray]:
    # Drawn as [N, C, H, W], the order that runs depend on, and laid out once as the convolutions want it.
    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        drawn = rng.standard_normal((count, *shape), dtype=np.float32)
        return np.ascontiguousarray(drawn.transpose(0, 2, 3, 1))

    return draw
