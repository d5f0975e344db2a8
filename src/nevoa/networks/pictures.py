"""Pictures among the conditions of a network: they join its first layer."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from nevoa.config.registry import CONDITIONS
from nevoa.networks.blocks import without_muon, zeroed
from nevoa.networks.embedding import Condition, Conditions
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
        kinds: dict[str, Any] = {name: CONDITIONS[one.kind](one) for name, one in (conditions or {}).items()}
        channels = {name: kind.channels * patch**2 for name, kind in kinds.items() if hasattr(kind, "channels")}
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
