"""Depthwise convolution that uses the matrix units of a CPU."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

# Rows of a bf16 tile of AMX.
TILE = 16


def has_matrix_units() -> bool:
    """Return whether this CPU has units that multiply bf16 matrices (AMX)."""
    return torch.cpu._is_amx_tile_supported()  # pyright: ignore[reportPrivateUsage]


def on_matrix_units(x: Tensor) -> bool:
    """Return whether such units compute the convolutions of `x`: autocast to bf16 is on, on a CPU that has them."""
    return x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and has_matrix_units()


class DepthwiseConv2d(nn.Conv2d):
    """Convolve each channel separately and keep the image size. The parameters are those of `nn.Conv2d`.

    Matrix units cannot speed up a depthwise convolution, and in bf16 the gradient of its weights is the slowest kernel
    of oneDNN: 43 of 49 ms with 28 channels, 7x7 on 28x28, batch 128. On such units this layer computes the same as a
    convolution with groups of up to 16 channels whose weights are zero off the diagonal: 10 ms forward and backward.
    """

    def __init__(self, dim: int, kernel: int):
        super().__init__(dim, dim, kernel, padding=kernel // 2, groups=dim)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if not on_matrix_units(x):
            return super().forward(x)
        return self.as_dense(x)

    def as_dense(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Return the same result, computed with dense groups."""
        size = max(divisor for divisor in range(1, TILE + 1) if self.groups % divisor == 0)
        groups = self.groups // size
        diagonal = torch.eye(size, device=x.device).repeat(groups, 1)[:, :, None, None]
        return F.conv2d(x, self.weight * diagonal, self.bias, padding=self.padding, groups=groups)
