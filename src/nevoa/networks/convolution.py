"""Convolutions, laid out for the units that compute them."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

# The rows of a bf16 tile.
TILE = 16


def has_matrix_units() -> bool:
    """Whether this CPU multiplies matrices of bf16 in units of their own (AMX)."""
    return torch.cpu._is_amx_tile_supported()  # pyright: ignore[reportPrivateUsage]


def on_matrix_units(x: Tensor) -> bool:
    """Whether convolutions of `x` are here and now computed in bf16 by such units."""
    return x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and has_matrix_units()


class DepthwiseConv2d(nn.Conv2d):
    """Every channel convolved by itself; the size of the images stays. Parameters are those of `nn.Conv2d`.

    A depthwise convolution gives matrix units nothing to multiply, and in bf16 its weights' gradient is oneDNN's
    slowest kernel: at 28 channels, 7x7 on 28x28, batch 128, it takes 43 ms of 49. On such units the same is computed as
    a convolution of groups of up to 16 channels whose weights are zero off the diagonal: 10 ms for both ways.
    """

    def __init__(self, dim: int, kernel: int):
        super().__init__(dim, dim, kernel, padding=kernel // 2, groups=dim)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if not on_matrix_units(x):
            return super().forward(x)
        return self.as_dense(x)

    def as_dense(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """The same result, as a convolution of full groups."""
        size = max(divisor for divisor in range(1, TILE + 1) if self.groups % divisor == 0)
        groups = self.groups // size
        diagonal = torch.eye(size, device=x.device).repeat(groups, 1)[:, :, None, None]
        return F.conv2d(x, self.weight * diagonal, self.bias, padding=self.padding, groups=groups)
