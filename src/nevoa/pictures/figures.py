"""The sheet of a measurement: samples beside their nearest training images, and the loss by noise level."""

import io
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image

from nevoa.pictures.grid import grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Images = UInt8[np.ndarray, "N H W C"]
Curve = Float64[np.ndarray, " T"]

COLUMNS = 16
WIDTH, ROW, CURVES = 12.0, 0.72, 3.2


def quality_sheet(
    samples: Images, nearest: Images | None = None, noise_loss: Curve | None = None, bits: Curve | None = None
) -> Image.Image:
    """One picture: the images in rows of 16, below them a curve for each of `noise_loss` and `bits` that is given.

    Args:
        nearest: for each sample its nearest training image, shown below it.
        noise_loss: mean squared error of the noise at timesteps 1 … T.
        bits: terms of the bound at timesteps 1 … T, in bits per dimension.
    """
    from matplotlib.figure import Figure

    tiles = samples if nearest is None else _interleaved(samples, nearest)
    curves = {"loss: mean squared error of the noise": noise_loss, "terms of the bound, bits per dimension": bits}
    curves = {title: curve for title, curve in curves.items() if curve is not None}
    heights = [ROW * -(-len(tiles) // COLUMNS), *[CURVES] * bool(curves)]
    figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained", dpi=100)
    cells = figure.add_gridspec(len(heights), len(curves) or 1, height_ratios=heights)
    _show_images(figure.add_subplot(cells[0, :]), tiles, nearest is not None)
    for column, (title, curve) in enumerate(curves.items()):
        _show_curve(figure.add_subplot(cells[1, column]), title, curve)
    return _rendered(figure)


def _interleaved(samples: Images, nearest: Images) -> UInt8[np.ndarray, "2*N H W C"]:
    """Rows of samples, each followed by the row of their nearest."""
    firsts = range(0, len(samples), COLUMNS)
    return np.concatenate([part[i : i + COLUMNS] for i in firsts for part in (samples, nearest)])


def _show_images(axes: "Axes", tiles: Images, paired: bool) -> None:
    axes.imshow(grid(tiles, columns=COLUMNS), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    axes.set_axis_off()
    if paired:
        axes.set_title("samples, each above its nearest training image; last two rows: the nearest of all", fontsize=10)


def _show_curve(axes: "Axes", title: str, curve: Curve) -> None:
    axes.semilogy(np.arange(1, len(curve) + 1), curve, linewidth=0.8)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("timestep t (1: least noise)")
    axes.grid(alpha=0.3)


def _rendered(figure: "Figure") -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer)
