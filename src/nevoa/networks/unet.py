"""The U-Net of the teaching notebook."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nevoa.config.names import BlockName
from nevoa.networks.attention import Attention, CrossAttention, LinearAttention, Residual
from nevoa.networks.blocks import ConvNextBlock, ResnetBlock, without_muon
from nevoa.networks.embedding import Condition, Conditions, TimestepEmbedding
from nevoa.networks.padding import cropped, padded
from nevoa.networks.pictures import Consistency, Pictures


class _Stage(nn.Module):
    """Two blocks and linear attention at one resolution, then a change of resolution."""

    def __init__(self, first: nn.Module, second: nn.Module, dim: int, resample: nn.Module):
        super().__init__()
        self.first, self.second, self.resample = first, second, resample
        self.attention = Residual(nn.GroupNorm(1, dim), LinearAttention(dim))

    def forward(self, x: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features at this resolution, and at the next."""
        features = self.attention(self.second(self.first(x, time), time))
        return features, self.resample(features)


class UNet(nn.Module):
    """U-Net with ConvNeXt or residual blocks, linear attention at every stage and full attention in the middle.

    Args:
        channels: of the images, in and out.
        dim: base width, even, at least 4. Stage i has width `dim * multipliers[i]` and images halved i times.
        block: "convnext" or "resnet".
        mult: factor of the inner width of a ConvNeXt block; residual blocks ignore it.
        classes: how many classes a conditional network has; 0 for a network without classes.
        conditions: the other kinds of condition by name.

    Takes noisy images `[B, C, H, W]` of any size, timesteps `[B]` and a condition, as `TimestepEmbedding` does: with
    classes alone labels `[B]`, where None is the null label, `classes`. Returns `[B, C, H, W]`.

    As in the notebook, the way up ignores the output of the finest stage and the last block does not get the time.
    `ResidualUNet` has neither weakness.

    Example:
        >>> prediction = UNet(channels=1)(torch.randn(8, 1, 28, 28), torch.full((8,), 500))
    """

    # The embedding of labels, and the bias that it is added to.
    label_tensors = "time.labels.weight", "time.mlp.2.bias"
    # Its output is projected by pictures that are consistent.
    projects = True

    def __init__(
        self,
        channels: int = 1,
        dim: int = 28,
        multipliers: Sequence[int] = (1, 2, 4),
        block: BlockName = "convnext",
        mult: int = 2,
        classes: int = 0,
        conditions: Conditions = None,
    ):
        super().__init__()
        time_dim = 4 * dim
        stem = dim // 3 * 2
        widths = [dim * m for m in multipliers]
        self.downsampling = 2 ** (len(widths) - 1)

        def make(width: int, width_out: int, time: int | None = time_dim) -> nn.Module:
            if block == "convnext":
                return ConvNextBlock(width, width_out, time, mult)
            return ResnetBlock(width, width_out, time)

        def down(i: int) -> _Stage:
            before, width = [stem, *widths][i], widths[i]
            last = i == len(widths) - 1
            halve = nn.Identity() if last else nn.Conv2d(width, width, 4, stride=2, padding=1)
            return _Stage(make(before, width), make(width, width), width, halve)

        def up(i: int) -> _Stage:
            after = widths[i - 1]
            double = nn.ConvTranspose2d(after, after, 4, stride=2, padding=1)
            return _Stage(make(2 * widths[i], after), make(after, after), after, double)

        deepest = widths[-1]
        self.time = TimestepEmbedding(dim, nn.GELU(), classes, conditions)
        self.stem = without_muon(nn.Conv2d(channels, stem, 7, padding=3))
        self.pictures = Pictures(conditions, self.stem, self.downsampling)
        self.downs = nn.ModuleList(down(i) for i in range(len(widths)))
        self.middle_in = make(deepest, deepest)
        self.middle_attention = Residual(nn.GroupNorm(1, deepest), Attention(deepest))
        self.cross = nn.ModuleList(
            CrossAttention(nn.GroupNorm(1, deepest), deepest, each) for each in self.time.token_widths
        )
        self.middle_out = make(deepest, deepest)
        self.ups = nn.ModuleList(up(i) for i in reversed(range(1, len(widths))))
        self.last = make(widths[0], dim, None)
        self.out = without_muon(nn.Conv2d(dim, channels, 1))
        self.consistency = Consistency(conditions)

    def forward(
        self, x: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], condition: Condition | None = None
    ) -> Float[Tensor, "B C H W"]:
        time, tokens = self.time(t, condition)
        height, width = x.shape[2:]
        x = self.pictures(self.stem(padded(x, self.downsampling)), condition)
        skips = []
        for stage in self.downs:
            features, x = stage(x, time)
            skips.append(features)
        x = self.middle_attention(self.middle_in(x, time))
        for attention, own in zip(self.cross, tokens, strict=True):
            x = attention(x, own)
        x = self.middle_out(x, time)
        for stage in self.ups:
            _, x = stage(torch.cat([x, skips.pop()], dim=1), time)
        return self.consistency(cropped(self.out(self.last(x, None)), height, width), condition)
