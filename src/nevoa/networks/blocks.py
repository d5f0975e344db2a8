"""The convolutional blocks of the U-Nets. Each maps `[B, C_in, H, W]` to `[B, C_out, H, W]`."""

import math
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nevoa.networks.convolution import DepthwiseConv2d
from nevoa.networks.dropout import Dropout

Affine = TypeVar("Affine", nn.Conv2d, nn.Linear)


def group_norm(groups: int, width: int, affine: bool = True) -> nn.GroupNorm:
    """Return a GroupNorm with gcd(groups, width) groups, because the number of groups must divide the width."""
    return nn.GroupNorm(math.gcd(groups, width), width, affine=affine)


def wide_group_norm(width: int, groups: int = 32, affine: bool = True) -> nn.GroupNorm:
    """Return a GroupNorm with at most `groups` groups of at least four channels each.

    In a group of one channel the norm cancels the time embedding that was added to the channel: with 32 groups at width
    32 the blocks ignored the time. At the widths of Ho et al. 2020 the groups are theirs.
    """
    return group_norm(max(1, min(groups, width // 4)), width, affine)


def shortcut(dim: int, dim_out: int) -> nn.Module:
    """Return the identity if the widths are equal, otherwise a 1x1 convolution."""
    return nn.Identity() if dim == dim_out else nn.Conv2d(dim, dim_out, 1)


def zeroed(module: Affine) -> Affine:
    """Set the weight and bias of a layer to zero, so that its branch outputs zero at first; return the layer."""
    nn.init.zeros_(module.weight)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module


def without_muon(module: Affine) -> Affine:
    """Mark a layer so that Muon leaves its weight to AdamW (see `nevoa.training.optimizer`); return the layer."""
    setattr(module, "muon", False)  # noqa: B010  nn.Module's annotations allow only tensors and modules
    return module


def _added(x: Tensor, projection: nn.Module | None, time: Tensor | None) -> Tensor:
    """Return `x` plus the projected time embedding, one number per channel."""
    if projection is None or time is None:
        return x
    return x + projection(time)[:, :, None, None]


class ConvNextBlock(nn.Module):
    """The ConvNeXt block (Liu et al. 2022) of the teaching notebook.

    A depthwise 7x7 convolution, the time, then two 3x3 convolutions; between these the width is `mult * dim_out`.

    Example:
        >>> ConvNextBlock(8, 16, 32)(torch.randn(4, 8, 7, 7), torch.randn(4, 32)).shape
        torch.Size([4, 16, 7, 7])
    """

    def __init__(self, dim: int, dim_out: int, time_dim: int | None, mult: int = 2):
        super().__init__()
        self.time = nn.Sequential(nn.GELU(), nn.Linear(time_dim, dim)) if time_dim else None
        self.depthwise = DepthwiseConv2d(dim, 7)
        self.net = nn.Sequential(
            nn.GroupNorm(1, dim),
            nn.Conv2d(dim, dim_out * mult, 3, padding=1),
            nn.GELU(),
            nn.GroupNorm(1, dim_out * mult),
            nn.Conv2d(dim_out * mult, dim_out, 3, padding=1),
        )
        self.shortcut = shortcut(dim, dim_out)

    def forward(self, x: Float[Tensor, "B C H W"], time: Float[Tensor, "B time"] | None) -> Float[Tensor, "B D H W"]:
        return self.net(_added(self.depthwise(x), self.time, time)) + self.shortcut(x)


class ResnetBlock(nn.Module):
    """Two times (3x3 convolution, GroupNorm(8), SiLU), with the time added in between.

    Example:
        >>> ResnetBlock(8, 16, 32)(torch.randn(4, 8, 7, 7), torch.randn(4, 32)).shape
        torch.Size([4, 16, 7, 7])
    """

    def __init__(self, dim: int, dim_out: int, time_dim: int | None):
        super().__init__()
        self.time = nn.Sequential(nn.SiLU(), nn.Linear(time_dim, dim_out)) if time_dim else None
        self.first = self._half(dim, dim_out)
        self.second = self._half(dim_out, dim_out)
        self.shortcut = shortcut(dim, dim_out)

    @staticmethod
    def _half(dim: int, dim_out: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(dim, dim_out, 3, padding=1), group_norm(8, dim_out), nn.SiLU())

    def forward(self, x: Float[Tensor, "B C H W"], time: Float[Tensor, "B time"] | None) -> Float[Tensor, "B D H W"]:
        return self.second(_added(self.first(x), self.time, time)) + self.shortcut(x)


class PreNormBlock(nn.Module):
    """The residual block of Ho et al. 2020: two times (GroupNorm, SiLU, 3x3 convolution).

    The time is added before the second norm or, if `adaptive`, scales and shifts the output of that norm (adaptive
    group norm, Dhariwal and Nichol 2021, section 3.1). Dropout precedes the last convolution, which starts at zero.

    Example:
        >>> PreNormBlock(8, 16, 32)(torch.randn(4, 8, 7, 7), torch.randn(4, 32)).shape
        torch.Size([4, 16, 7, 7])
    """

    def __init__(
        self,
        dim: int,
        dim_out: int,
        time_dim: int,
        groups: int = 32,
        dropout: float = 0.0,
        adaptive: bool = False,
    ):
        super().__init__()
        self.adaptive = adaptive
        project = zeroed(nn.Linear(time_dim, 2 * dim_out)) if adaptive else nn.Linear(time_dim, dim_out)
        self.time = nn.Sequential(nn.SiLU(), project)
        self.first = nn.Sequential(wide_group_norm(dim, groups), nn.SiLU(), nn.Conv2d(dim, dim_out, 3, padding=1))
        self.norm = wide_group_norm(dim_out, groups, affine=not adaptive)
        last = zeroed(nn.Conv2d(dim_out, dim_out, 3, padding=1))
        self.second = nn.Sequential(nn.SiLU(), Dropout(dropout), last)
        self.shortcut = shortcut(dim, dim_out)

    def forward(self, x: Float[Tensor, "B C H W"], time: Float[Tensor, "B time"]) -> Float[Tensor, "B D H W"]:
        h = self.first(x)
        if self.adaptive:
            scale, shift = self.time(time)[:, :, None, None].chunk(2, dim=1)
            h = torch.addcmul(shift, self.norm(h), 1 + scale)
        else:
            h = self.norm(_added(h, self.time, time))
        return self.second(h) + self.shortcut(x)
