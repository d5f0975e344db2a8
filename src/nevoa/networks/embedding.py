"""Timestep embeddings."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


def sinusoidal(t: Int[Tensor, " B"], width: int) -> Float[Tensor, "B width"]:
    """Sines, then cosines, of `t * 10000^(-i / (width / 2 - 1))` for i = 0 … width / 2 - 1."""
    half = width // 2
    frequency = torch.exp(torch.arange(half, device=t.device) * (-math.log(10_000) / (half - 1)))
    angle = t[:, None].float() * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class TimestepEmbedding(nn.Module):
    """Sinusoids of width `dim`, then a two-layer perceptron to width `4 dim`.

    `dim` is even and at least 4. In: timesteps `[B]`; out: `[B, 4 dim]`.
    """

    def __init__(self, dim: int, activation: nn.Module):
        super().__init__()
        self.dim = dim
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), activation, nn.Linear(4 * dim, 4 * dim))

    def forward(self, t: Int[Tensor, " B"]) -> Float[Tensor, "B time"]:
        return self.mlp(sinusoidal(t, self.dim))
