"""Images of any size through a network that halves them a number of times."""

from torch import Tensor
from torch.nn import functional as F


def padded(x: Tensor, unit: int) -> Tensor:
    """`[B, C, H, W]` with zeros around it, as its convolutions pad, so that `unit` divides height and width."""
    over_height, over_width = (-side % unit for side in x.shape[2:])
    if not (over_height or over_width):
        return x
    return F.pad(x, (over_width // 2, over_width - over_width // 2, over_height // 2, over_height - over_height // 2))


def cropped(x: Tensor, height: int, width: int) -> Tensor:
    """The middle again: undoes `padded`."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]
