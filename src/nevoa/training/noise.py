"""What is drawn for every training image."""

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from nevoa._util.random import Blocks, Stream


class TrainingNoise:
    """Timestep, noise and whether the label is withheld, of every image in the stream: functions of (seed, place)."""

    def __init__(self, seed: int, timesteps: int, shape: tuple[int, int, int], label_dropout: float = 0.0):
        self._timesteps = Blocks(seed, Stream.TIMESTEP, lambda rng, count: rng.integers(1, timesteps + 1, count))
        self._noise = Blocks(
            seed, Stream.NOISE, lambda rng, count: rng.standard_normal((count, *shape), dtype=np.float32)
        )
        self._dropped = Blocks(seed, Stream.LABEL_DROPOUT, lambda rng, count: rng.random(count) < label_dropout)

    def take(self, first: int, count: int) -> tuple[Tensor, Tensor]:
        """t, uniform in 1…T, `[B]`, and epsilon `[B, C, H, W]`."""
        return tuple(torch.from_numpy(blocks.take(first, count)) for blocks in (self._timesteps, self._noise))  # pyright: ignore

    def dropped(self, first: int, count: int) -> Bool[Tensor, " B"]:
        """Whether each image's label is withheld."""
        return torch.from_numpy(self._dropped.take(first, count))
