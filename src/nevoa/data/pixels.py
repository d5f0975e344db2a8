"""The one conversion between 8-bit pixels and the range [-1, 1] of x_0."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def to_unit(
    images: UInt8[np.ndarray, "B H W C"], memory_format: torch.memory_format = torch.contiguous_format
) -> Float[Tensor, "B C H W"]:
    """Convert uint8 pixels to float32 in [-1, 1]; with `torch.channels_last` the pixels are not moved again.

    Example:
        >>> to_unit(np.array([[[[0], [255]]]], np.uint8)).flatten().tolist()
        [-1.0, 1.0]
    """
    # Moved, then scaled: gray images are in both layouts at once, and their strides decide how convolutions round.
    x = torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
    return x / 127.5 - 1


def to_bytes(x: Float[Tensor, "B C H W"]) -> UInt8[np.ndarray, "B H W C"]:
    """Convert [-1, 1] to uint8: round to the nearest value and clamp.

    Example:
        >>> to_bytes(torch.tensor([[[[-1.0, 0.0, 1.0]]]])).flatten().tolist()
        [0, 128, 255]
    """
    pixels = ((x.detach().float() + 1) * 127.5).round().clamp(0, 255)
    return pixels.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
