"""A small residual classifier, whose last hidden layer gives the features."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (32, 64, 128)


class Classifier(nn.Module):
    """Images `[B, C, H, W]` in [-1, 1], of 8x8 or more, to logits `[B, classes]`.

    A 3x3 stem, then one residual block (He et al. 2016, with batch normalization) per further width, each halving the
    sides. The spatial mean is the feature vector of length `WIDTHS[-1]`.
    """

    def __init__(self, channels: int, classes: int):
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(channels, WIDTHS[0], 3, padding=1, bias=False), nn.BatchNorm2d(WIDTHS[0]))
        blocks = [Block(dim, dim_out) for dim, dim_out in pairwise(WIDTHS)]
        self.body = nn.Sequential(stem, nn.ReLU(), *blocks)
        self.head = nn.Linear(WIDTHS[-1], classes)

    def features(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """The last hidden layer, before the linear head."""
        return self.body(x).mean((2, 3))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        return self.head(self.features(x))


class Block(nn.Module):
    """Two 3x3 convolutions, the first with stride 2, and a 1x1 shortcut with stride 2."""

    def __init__(self, dim: int, dim_out: int):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(dim, dim_out, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(dim_out),
            nn.ReLU(),
            nn.Conv2d(dim_out, dim_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(dim_out),
        )
        self.shortcut = nn.Conv2d(dim, dim_out, 1, stride=2, bias=False)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        return (self.net(x) + self.shortcut(x)).relu()
