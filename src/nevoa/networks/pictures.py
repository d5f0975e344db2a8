"""Pictures among the conditions of a network: they join its first layer, and its output is projected by them."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from nevoa.config.condition import PicturePlan
from nevoa.config.registry import CONDITIONS
from nevoa.networks.blocks import without_muon, zeroed
from nevoa.networks.embedding import Condition, Conditions, kinds_of
from nevoa.networks.padding import padded


class Pictures(nn.ModuleDict):
    """Add a convolution of each picture to the output of the first layer, as if its channels were beside those of x_t.

    The convolutions start at zero: a network that learns a new kind first predicts what it did without.

    Args:
        conditions: those of the network by name; its pictures are the kinds that have `channels`.
        stem: the first layer.
        unit: what the sides of the images are padded to.
        patch: side of the squares of pixels that are folded into channels.

    Example:
        >>> edges = nevoa.config.PicturePlan(kind="edges", channels=1, height=28, width=28)
        >>> stem, picture = torch.nn.Conv2d(1, 8, 3, padding=1), torch.zeros(4, 2, 28, 28)
        >>> Pictures({"edges": edges}, stem, unit=4)(stem(x_t), {"edges": picture}).shape
        torch.Size([4, 8, 28, 28])
    """

    def __init__(self, conditions: Conditions, stem: nn.Conv2d, unit: int, patch: int = 1):
        kinds = kinds_of(conditions).items()
        channels = {name: kind.channels * patch**2 for name, kind in kinds if hasattr(kind, "channels")}
        width, kernel, padding = stem.out_channels, stem.kernel_size[0], stem.padding[0]

        def convolution(count: int) -> nn.Conv2d:
            return without_muon(zeroed(nn.Conv2d(count, width, kernel, padding=int(padding))))

        super().__init__({name: convolution(count) for name, count in channels.items()})
        self.unit, self.patch = unit, patch

    def forward(self, x: Float[Tensor, "B dim h w"], condition: Condition | None) -> Float[Tensor, "B dim h w"]:
        for name, convolution in self.items():
            assert isinstance(condition, Mapping)  # as the embedding of the timestep has checked
            x = x + convolution(F.pixel_unshuffle(padded(condition[name], self.unit), self.patch))
        return x


class Consistency(nn.ModuleDict):
    """Projects an output x_0 onto the images that have the picture of the condition (data consistency).

    A downscaled picture says the mean of each square of x_0, a gray one its luminance, one with a missing part what is
    not missing: linear functions A x_0 = y. The nearest image to x_0 for which they hold is `x_0 + A^+ (y - A x_0)`
    (DDNM, Wang, Yu and Zhang 2023). The clean image is one of them, so the projection is never farther from it than
    x_0 is. Several pictures project one after the other: where they overlap, the last one holds.

    Args:
        conditions: those of the network by name; the projection is by its pictures that are `consistent`. The factor
            of a downscaled one divides the sides of the images.

    Example:
        >>> gray = nevoa.config.PicturePlan(kind="gray", channels=3, height=28, width=28, consistent=True)
        >>> Consistency({"gray": gray})(torch.randn(4, 3, 28, 28), {"gray": torch.ones(4, 2, 28, 28)}).shape
        torch.Size([4, 3, 28, 28])
    """

    def __init__(self, conditions: Conditions):
        pictures = {name: one for name, one in (conditions or {}).items() if isinstance(one, PicturePlan)}
        kinds = {name: CONDITIONS[one.kind](one) for name, one in pictures.items() if one.consistent}
        # Not on the device meta, where a model is built before its weights are read: nothing reads these.
        with torch.device("cpu"):
            super().__init__({name: _Projection(kind) for name, kind in kinds.items()})

    def forward(self, x_0: Float[Tensor, "B C H W"], condition: Condition | None) -> Float[Tensor, "B C H W"]:
        for name, projection in self.items():
            assert isinstance(condition, Mapping)
            x_0 = projection(x_0, condition[name])
        return x_0


class _Projection(nn.Module):
    """The projection by one picture, as convolutions with fixed weights, which every format of a network has.

    The rows of A are orthonormal, so that `A^+` is its transpose.
    """

    shown: Tensor
    measurement: Tensor

    def __init__(self, kind: Any):
        super().__init__()
        channels, colours = kind.plan.channels, kind.channels - 1
        self.factor = kind.plan.factor
        # What the picture shows in each channel of the image, then where it shows something.
        shown = torch.zeros(2 * channels, kind.channels)
        shown[:channels, :colours] = torch.eye(channels) if colours == channels else 1
        shown[channels:, colours] = 1
        self.register_buffer("shown", shown[..., None, None], persistent=False)
        weights = kind.measurement().unflatten(1, (channels, self.factor, self.factor))
        self.register_buffer("measurement", weights, persistent=False)

    def forward(self, x_0: Float[Tensor, "B C H W"], picture: Float[Tensor, "B D H W"]) -> Float[Tensor, "B C H W"]:
        colours, there = F.conv2d(picture, self.shown).chunk(2, dim=1)
        missed = F.conv2d(colours - there * x_0, self.measurement, stride=self.factor)
        return x_0 + F.conv_transpose2d(missed, self.measurement, stride=self.factor)
