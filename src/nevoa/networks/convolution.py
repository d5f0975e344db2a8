"""Convolutions computed in a faster way than torch's, with the parameters of `nn.Conv2d`."""

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
    """Return whether such units compute the convolutions of `x`: autocast to bf16 is on, on a CPU that has them.

    False in what is compiled: torch's compiler cannot ask the CPU, and would compile each layer by itself.
    """
    if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu") or torch.compiler.is_dynamo_compiling():
        return False
    return has_matrix_units()


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


def doubled(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C 2*H 2*W"]:
    """Repeat each pixel in both directions.

    Compiled for a CPU, the gradient of `F.interpolate` in bf16 is zero before a convolution and a norm (torch 2.13).
    """
    if not torch.compiler.is_dynamo_compiling():
        return F.interpolate(x, scale_factor=2.0)
    return x[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2).flatten(4).flatten(2, 3)


class DoublingConv2d(nn.Module):
    """Double the image by repeating pixels, then convolve 3x3. The parameters are those of `nn.Conv2d`.

    An output pixel sees 2x2 different pixels, so a transposed convolution with a 4x4 kernel of sums of weights gives
    the same with 4/9 of the products. In float32 on AVX2 it takes 35 instead of 56 ms forward and backward (128
    channels, 7x7, batch 32). A step in bf16 was no faster with it, and GPUs were not measured.

    Example:
        >>> DoublingConv2d(8)(torch.randn(2, 8, 7, 7)).shape
        torch.Size([2, 8, 14, 14])
    """

    def __init__(self, dim: int):
        super().__init__()
        convolution = nn.Conv2d(dim, dim, 3)
        self.weight, self.bias = convolution.weight, convolution.bias

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C 2*H 2*W"]:
        # An exported file keeps the weights themselves.
        if x.device.type != "cpu" or torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling():
            return F.conv2d(doubled(x), self.weight, self.bias, padding=1)
        kernel = F.pad(self.weight.flip(2, 3), (1, 1, 1, 1))
        kernel = kernel[:, :, 1:] + kernel[:, :, :-1]
        kernel = kernel[:, :, :, 1:] + kernel[:, :, :, :-1]
        return F.conv_transpose2d(x, kernel.transpose(0, 1), self.bias, stride=2, padding=1)
