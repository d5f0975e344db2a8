"""A denoiser of images larger than those of a network: its estimates in overlapping windows, blended."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from nevoa.diffusion.denoiser import AnyDenoiser, Estimate, Images, Timesteps
from nevoa.diffusion.process import GaussianProcess


class Span(NamedTuple):
    """A part of a side of an image, and the weight of each of its pixels.

    Example:
        >>> Span(slice(0, 8), torch.ones(8)).pixels.stop
        8
    """

    pixels: slice
    weights: Float[Tensor, " length"]


class Window(NamedTuple):
    """A part of an image: some of its rows, and some of its columns.

    Example:
        >>> [top_left] = [Window(rows, columns) for rows in spans(8, 8) for columns in spans(8, 8)]
    """

    rows: Span
    columns: Span


def spans(side: int, length: int, unit: int = 1) -> list[Span]:
    """Return spans that cover a side, each of which overlaps the next by half its length or more.

    Their weights rise and fall as sin^2, and sum to 1 at every pixel.

    Args:
        side: number of pixels; `length` or more.
        length: of a span.
        unit: of which each span starts at a multiple; it divides both.

    Example:
        >>> [span.pixels.start for span in spans(20, 8, unit=2)]
        [0, 4, 8, 12]
    """
    last = (side - length) // unit
    count = math.ceil(last / max(1, length // unit // 2))
    starts = [unit * round(last * number / max(1, count)) for number in range(count + 1)]
    parts = [slice(start, start + length) for start in starts]
    bell = torch.sin(torch.pi * (torch.arange(length, dtype=torch.float64) + 0.5) / length) ** 2
    total = torch.zeros(side, dtype=torch.float64)
    for part in parts:
        total[part] += bell
    return [Span(part, (bell / total[part]).float()) for part in parts]


class Windowed:
    """A denoiser of images of any size, around one of smaller images (MultiDiffusion, Bar-Tal et al. 2023).

    An estimate is the weighted mean of those in all windows that contain a pixel, so that windows leave no seam:

        D(x_t) = sum_i weight_i D_i(window_i(x_t)),    sum_i weight_i = 1 at every pixel,

    where D is x_0, and likewise epsilon.

    Args:
        process: that of the denoiser of windows.
        windows: all windows of an image, of one size, such as those of `spans` of both sides.
        denoiser: returns the denoiser of some windows. Its batch holds these windows of the first image, then those of
            the next.
        at_once: how many windows are estimated at once.

    Example:
        >>> windows = [Window(rows, columns) for rows in spans(48, 28) for columns in spans(64, 28)]
        >>> large = Windowed(denoiser.process, windows, lambda some: denoiser)
        >>> large(torch.randn(1, 1, 48, 64), torch.tensor([500])).x_0.shape
        torch.Size([1, 1, 48, 64])
    """

    def __init__(
        self,
        process: GaussianProcess,
        windows: Sequence[Window],
        denoiser: Callable[[Sequence[Window]], AnyDenoiser],
        at_once: int = 64,
    ):
        self.process, self.windows, self.denoiser, self.at_once = process, windows, denoiser, at_once

    def __call__(self, x_t: Images, t: Timesteps) -> Estimate:
        """Return the blended estimates for images x_t `[B, C, H, W]` at timesteps t `[B]`, 1…T."""
        blended = Estimate(torch.zeros_like(x_t), torch.zeros_like(x_t))
        size = max(1, self.at_once // len(x_t))
        for first in range(0, len(self.windows), size):
            some = self.windows[first : first + size]
            parts = torch.stack([x_t[:, :, rows.pixels, columns.pixels] for rows, columns in some], dim=1)
            estimates = self.denoiser(some)(parts.flatten(0, 1), t.repeat_interleave(len(some)))
            for number, (rows, columns) in enumerate(some):
                weights = (rows.weights[:, None] * columns.weights).to(x_t)
                for whole, part in zip(blended, estimates, strict=True):
                    whole[:, :, rows.pixels, columns.pixels] += weights * part.reshape(parts.shape)[:, number]
        return blended
