"""Padding, so that a network that halves images several times takes images of any size."""

from torch import Tensor
from torch.nn import functional as F


def padded(x: Tensor, unit: int) -> Tensor:
    """Pad `[B, C, H, W]` with zeros on all sides until `unit` divides its height and width."""
    extra_height, extra_width = (-side % unit for side in x.shape[2:])
    if not (extra_height or extra_width):
        return x
    left, top = extra_width // 2, extra_height // 2
    return F.pad(x, (left, extra_width - left, top, extra_height - top))


def cropped(x: Tensor, height: int, width: int) -> Tensor:
    """Undo `padded`: return the middle, `[B, C, height, width]`."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]
