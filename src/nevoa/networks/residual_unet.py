"""The U-Net of Ho et al. 2020, with the option to fold pixels into channels."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from nevoa.networks.attention import Attention, Residual
from nevoa.networks.blocks import PreNormBlock, wide_group_norm, without_muon, zeroed
from nevoa.networks.embedding import TimestepEmbedding
from nevoa.networks.padding import cropped, padded


class _Block(nn.Module):
    """A residual block, followed by attention or the identity."""

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
        # Ho et al. pad the right and the bottom only.
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class _Double(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class ResidualUNet(nn.Module):
    """The denoising network of Ho et al. 2020 (appendix B): the output of every block is a skip connection.

    Args:
        channels: of the images, in and out.
        dim: base width, even, at least 4. Stage i has width `dim * multipliers[i]` and images halved i times.
        blocks: residual blocks per stage on the way down; there is one more on the way up.
        attention: for each stage, whether attention follows its blocks. The middle always has attention.
        patch: fold `patch x patch` pixels into channels before the network and unfold them after it. 2 makes a step
            four times cheaper at the same width.
        groups: the most groups of channels in a norm. Ho et al. use 32; 1 makes a step in bf16 on a CPU a third faster.
        dropout: probability in every block, from 0 to 1.
        adaptive: whether the time embedding scales and shifts channels instead of being added to them.
        classes: how many classes a conditional network has; 0 for an unconditional network.

    Takes noisy images `[B, C, H, W]` of any size, timesteps `[B]` and, with classes, labels `[B]`, where None is the
    null label, `classes`. Returns `[B, C, H, W]`.

    Example:
        network = ResidualUNet(channels=1, dim=64, multipliers=(1, 2), attention=(False, False), patch=2)
        prediction = network(torch.randn(8, 1, 28, 28), torch.full((8,), 500))
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
        self.stem = without_muon(nn.Conv2d(channels * patch**2, dim, 3, padding=1))
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
        out = without_muon(zeroed(nn.Conv2d(width, channels * patch**2, 3, padding=1)))
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
