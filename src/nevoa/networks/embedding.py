"""Embedding of the timestep and, for conditional networks, of the label."""

import math

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn


def frequencies(width: int, device: torch.device | None = None) -> Float[Tensor, " half"]:
    """Return `10000^(-i / (width / 2 - 1))` for i = 0 … width / 2 - 1."""
    half = width // 2
    return torch.exp(torch.arange(half, device=device) * (-math.log(10_000) / (half - 1)))


def sinusoidal(t: Int[Tensor, " B"], width: int) -> Float[Tensor, "B width"]:
    """Return the sines, then the cosines, of t times each of the frequencies.

    Example:
        >>> sinusoidal(t, 32).shape
        torch.Size([4, 32])
    """
    angle = t[:, None].float() * frequencies(width, t.device)
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class TimestepEmbedding(nn.Module):
    """Sinusoids of width `dim`, then a two-layer perceptron of width `4 dim`, plus the embedding of the label.

    Args:
        dim: even and at least 4.
        classes: how many labels there are, besides `null_label` ("no condition"), whose index is `classes`. 0 if the
            network is unconditional.

    Takes timesteps `[B]` and labels `[B]` from 0 to `classes`; None stands for the null label. Returns `[B, 4 dim]`.
    Raises a ValueError if an unconditional network gets labels.

    Example:
        >>> TimestepEmbedding(32, torch.nn.GELU())(t).shape
        torch.Size([4, 128])
    """

    def __init__(self, dim: int, activation: nn.Module, classes: int = 0):
        super().__init__()
        self.dim, self.null_label = dim, classes
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), activation, nn.Linear(4 * dim, 4 * dim))
        # Initialised as unit Gaussians: with smaller ones the Fréchet distance was a third larger after a minute.
        self.labels = nn.Embedding(classes + 1, 4 * dim) if classes else None

    def forward(self, t: Int[Tensor, " B"], label: Int64[Tensor, " B"] | None = None) -> Float[Tensor, "B time"]:
        time = self.mlp(sinusoidal(t, self.dim))
        if self.labels is None:
            if label is not None:
                raise ValueError("a network without classes takes no labels")
            return time
        return time + self.labels(torch.full_like(t, self.null_label) if label is None else label)
