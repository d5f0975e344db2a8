"""The U-Net of Ho et al. 2020, with the option to fold pixels into channels."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from nevoa.config import parse
from nevoa.config.network import ResidualUNetConfig
from nevoa.networks.attention import Attention, CrossAttention, Residual
from nevoa.networks.blocks import PreNormBlock, wide_group_norm, without_muon, zeroed
from nevoa.networks.convolution import DoublingConv2d
from nevoa.networks.embedding import Condition, Conditions, TimestepEmbedding
from nevoa.networks.padding import cropped, padded
from nevoa.networks.pictures import Consistency, Pictures


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
        self.conv = DoublingConv2d(dim)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return self.conv(x)


def _attention(width: int, config: ResidualUNetConfig) -> nn.Module:
    return Residual(wide_group_norm(width, config.groups), Attention(width, heads=1, head_dim=width, bias=True))


def _residual(width: int, width_out: int, config: ResidualUNetConfig) -> PreNormBlock:
    return PreNormBlock(width, width_out, 4 * config.known_dim, config.groups, config.dropout, config.adaptive)


def _block(width: int, stage: int, config: ResidualUNetConfig) -> _Block:
    width_out = config.known_dim * config.known_multipliers[stage]
    inner = _residual(width, width_out, config)
    return _Block(inner, _attention(width_out, config) if config.known_attention[stage] else nn.Identity())


def _down(config: ResidualUNetConfig) -> Iterator[tuple[nn.Module, int]]:
    """The layers of the way down, each with the width of its output."""
    width, last = config.known_dim, len(config.known_multipliers) - 1
    for stage, multiplier in enumerate(config.known_multipliers):
        for _ in range(config.blocks):
            layer, width = _block(width, stage, config), config.known_dim * multiplier
            yield layer, width
        if stage < last:
            yield _Halve(width), width


def _up(config: ResidualUNetConfig, skips: list[int]) -> Iterator[nn.Module]:
    """The layers of the way up; each block takes the last skip connection that is left."""
    width = skips[-1]
    for stage, multiplier in reversed(list(enumerate(config.known_multipliers))):
        for _ in range(config.blocks + 1):
            yield _block(width + skips.pop(), stage, config)
            width = config.known_dim * multiplier
        if stage > 0:
            yield _Double(width)


class ResidualUNet(nn.Module):
    """The denoising network of Ho et al. 2020 (appendix B): the output of every block is a skip connection.

    Stage i has images halved i times. There is one more block per stage on the way up than on the way down, and the
    middle always has attention. `patch=2` makes a step four times cheaper at the same width; `groups=1` makes a step
    in bf16 on a CPU a third faster.

    Args:
        channels: of the images, in and out.
        classes: how many classes a conditional network has; 0 for a network without classes.
        conditions: the other kinds of condition by name.
        keys: dim, multipliers, blocks, attention, patch, groups, dropout and adaptive: see `ResidualUNetConfig`.

    Takes noisy images `[B, C, H, W]` of any size, timesteps `[B]` and a condition, as `TimestepEmbedding` does: with
    classes alone labels `[B]`, where None is the null label, `classes`. Returns `[B, C, H, W]`.

    Example:
        >>> network = ResidualUNet(channels=1, dim=64, multipliers=(1, 2), attention=(False, False), patch=2)
        >>> prediction = network(torch.randn(8, 1, 28, 28), torch.full((8,), 500))
    """

    # The embedding of labels, and the bias that it is added to.
    label_tensors = "time.labels.weight", "time.mlp.2.bias"
    # Its output is projected by pictures that are consistent.
    projects = True

    def __init__(self, channels: int = 3, *, classes: int = 0, conditions: Conditions = None, **keys: Any):
        super().__init__()
        config = parse(keys, ResidualUNetConfig)
        self.patch = config.known_patch
        pixels = channels * self.patch**2
        self.time = TimestepEmbedding(config.known_dim, nn.SiLU(), classes, conditions)
        self.stem = without_muon(nn.Conv2d(pixels, config.known_dim, 3, padding=1))
        self.downsampling = self.patch * 2 ** (len(config.known_multipliers) - 1)
        self.pictures = Pictures(conditions, self.stem, self.downsampling, self.patch)
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        width, skips = config.known_dim, [config.known_dim]
        for layer, width in _down(config):
            self.downs.append(layer)
            skips.append(width)
        self.middle_in = _Block(_residual(width, width, config), _attention(width, config))
        self.cross = nn.ModuleList(
            CrossAttention(wide_group_norm(width, config.groups), width, each) for each in self.time.token_widths
        )
        self.middle_out = _residual(width, width, config)
        self.ups.extend(_up(config, skips))
        width = config.known_dim * config.known_multipliers[0]
        out = without_muon(zeroed(nn.Conv2d(width, pixels, 3, padding=1)))
        self.out = nn.Sequential(wide_group_norm(width, config.groups), nn.SiLU(), out)
        self.consistency = Consistency(conditions)

    def forward(
        self, x: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], condition: Condition | None = None
    ) -> Float[Tensor, "B C H W"]:
        time, tokens = self.time(t, condition)
        height, width = x.shape[2:]
        x = self.stem(F.pixel_unshuffle(padded(x, self.downsampling), self.patch))
        x = self.pictures(x, condition)
        skips = [x]
        for layer in self.downs:
            x = layer(x, time)
            skips.append(x)
        x = self.middle_in(x, time)
        for attention, own in zip(self.cross, tokens, strict=True):
            x = attention(x, own)
        x = self.middle_out(x, time)
        for layer in self.ups:
            if not isinstance(layer, _Double):
                x = torch.cat([x, skips.pop()], dim=1)
            x = layer(x, time)
        x = cropped(F.pixel_shuffle(self.out(x), self.patch), height, width)
        return self.consistency(x, condition)
