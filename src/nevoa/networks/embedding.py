"""What a network is told besides the image: the timestep, and perhaps a label."""

import math

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn


def sinusoidal(t: Int[Tensor, " B"], width: int) -> Float[Tensor, "B width"]:
    """Sines, then cosines, of `t * 10000^(-i / (width / 2 - 1))` for i = 0 … width / 2 - 1."""
    half = width // 2
    frequency = torch.exp(torch.arange(half, device=t.device) * (-math.log(10_000) / (half - 1)))
    angle = t[:, None].float() * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class TimestepEmbedding(nn.Module):
    """Sinusoids of width `dim`, then a two-layer perceptron to width `4 dim`; with classes, a row of a table is added.

    Args:
        dim: even and at least 4.
        classes: how many labels there are besides `null_label`, "no condition", which is the last row; 0 for no table.

    In: timesteps `[B]`; labels `[B]`, 0 … classes, where None is the null label. Out: `[B, 4 dim]`.
    ValueError for labels without classes.
    """

    def __init__(self, dim: int, activation: nn.Module, classes: int = 0):
        super().__init__()
        self.dim, self.null_label = dim, classes
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), activation, nn.Linear(4 * dim, 4 * dim))
        # Rows as far apart as unit Gaussians are: nearer to 0 a minute of training gave a third more distance.
        self.labels = nn.Embedding(classes + 1, 4 * dim) if classes else None

    def forward(self, t: Int[Tensor, " B"], label: Int64[Tensor, " B"] | None = None) -> Float[Tensor, "B time"]:
        time = self.mlp(sinusoidal(t, self.dim))
        if self.labels is None:
            if label is not None:
                raise ValueError("a network without classes takes no labels")
            return time
        return time + self.labels(torch.full_like(t, self.null_label) if label is None else label)
