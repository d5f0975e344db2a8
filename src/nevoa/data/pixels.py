"""The one conversion between 8-bit pixels and the [-1, 1] that diffusion works in."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def to_unit(images: UInt8[np.ndarray, "B H W C"]) -> Float[Tensor, "B C H W"]:
    """uint8 -> float32 in [-1, 1]."""
    return torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2).contiguous() / 127.5 - 1


def to_bytes(x: Float[Tensor, "B C H W"]) -> UInt8[np.ndarray, "B H W C"]:
    """[-1, 1] -> uint8, rounded to nearest; what lies outside is clamped."""
    pixels = ((x.detach().float() + 1) * 127.5).round().clamp(0, 255)
    return pixels.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
