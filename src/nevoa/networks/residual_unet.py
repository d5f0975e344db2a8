"""The U-Net of Ho et al. 2020, with pixels folded into channels where that pays."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from nevoa.networks.attention import Attention, Residual
from nevoa.networks.blocks import PreNormBlock, wide_group_norm, zeroed
from nevoa.networks.embedding import TimestepEmbedding
from nevoa.networks.padding import cropped, padded


class _Block(nn.Module):
    """A residual block, and attention at the resolutions that have it."""

    def __init__(self, block: PreNormBlock, attention: nn.Module):
        super().__init__()
        self.block, self.attention = block, attention

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return self.attention(self.block(x, time))


class _Halve(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, stride=2)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        # Padding on the far side only, as Ho et al. have it: the grid keeps its corner.
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class _Double(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class ResidualUNet(nn.Module):
    """The denoising network of Ho et al. 2020 (appendix B): every block's output is a skip connection.

    Args:
        channels: of the images, in and out.
        dim: base width, even, at least 4. Stage i works at width `dim * multipliers[i]` on images halved i times.
        blocks: residual blocks per stage on the way down; one more on the way up.
        attention: for each stage, whether its blocks are followed by attention. The middle always has one.
        patch: `patch x patch` pixels are folded into channels before the network and unfolded after it.
            2 makes a step four times cheaper at the same width.
        groups: of channels, in each norm. Ho et al. have 32; with 1 a step in bf16 on a CPU takes a third less.
        dropout: in every block, 0 to 1.
        adaptive: whether the time scales and shifts channels, instead of being added to them.
        classes: whose labels it can be given; 0 for an unconditional network.

    In: noisy images `[B, C, H, W]`, padded inside where `downsampling` does not divide H and W; timesteps `[B]`; with
    classes labels `[B]`, where None is the null label, index `classes`. Out: `[B, C, H, W]`.
    """

    def __init__(
        self,
        channels: int = 3,
        dim: int = 128,
        multipliers: Sequence[int] = (1, 2, 2, 2),
        blocks: int = 2,
        attention: Sequence[bool] = (False, True, False, False),
        patch: int = 1,
        groups: int = 32,
        dropout: float = 0.0,
        adaptive: bool = False,
        classes: int = 0,
    ):
        super().__init__()
        self.patch = patch
        self.downsampling = patch * 2 ** (len(multipliers) - 1)
        time_dim = 4 * dim

        def attend(width: int) -> nn.Module:
            return Residual(wide_group_norm(width, groups), Attention(width, heads=1, head_dim=width, bias=True))

        def block(width: int, stage: int) -> _Block:
            width_out = dim * multipliers[stage]
            inner = PreNormBlock(width, width_out, time_dim, groups, dropout, adaptive)
            return _Block(inner, attend(width_out) if attention[stage] else nn.Identity())

        self.time = TimestepEmbedding(dim, nn.SiLU(), classes)
        self.stem = nn.Conv2d(channels * patch**2, dim, 3, padding=1)
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        width, skips = dim, [dim]
        stages = range(len(multipliers))
        for stage in stages:
            for _ in range(blocks):
                self.downs.append(block(width, stage))
                width = dim * multipliers[stage]
                skips.append(width)
            if stage != stages[-1]:
                self.downs.append(_Halve(width))
                skips.append(width)
        self.middle_in = _Block(PreNormBlock(width, width, time_dim, groups, dropout, adaptive), attend(width))
        self.middle_out = PreNormBlock(width, width, time_dim, groups, dropout, adaptive)
        for stage in reversed(stages):
            for _ in range(blocks + 1):
                self.ups.append(block(width + skips.pop(), stage))
                width = dim * multipliers[stage]
            if stage > 0:
                self.ups.append(_Double(width))
        out = zeroed(nn.Conv2d(width, channels * patch**2, 3, padding=1))
        self.out = nn.Sequential(wide_group_norm(width, groups), nn.SiLU(), out)

    def forward(
        self, x: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], label: Int64[Tensor, " B"] | None = None
    ) -> Float[Tensor, "B C H W"]:
        time = self.time(t, label)
        height, width = x.shape[2:]
        x = self.stem(F.pixel_unshuffle(padded(x, self.downsampling), self.patch))
        skips = [x]
        for layer in self.downs:
            x = layer(x, time)
            skips.append(x)
        x = self.middle_out(self.middle_in(x, time), time)
        for layer in self.ups:
            if not isinstance(layer, _Double):
                x = torch.cat([x, skips.pop()], dim=1)
            x = layer(x, time)
        return cropped(F.pixel_shuffle(self.out(x), self.patch), height, width)
