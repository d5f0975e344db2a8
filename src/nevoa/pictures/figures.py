"""Figures: the sheet of an evaluation, the loss curves of runs, and the curves of noise schedules."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image

from nevoa.errors import NevoaError
from nevoa.pictures.grid import Images, grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Curve = Float64[np.ndarray, " T"]
Values = Any  # whatever numpy turns into a one-dimensional array: a list, an array, a tensor

COLUMNS = 16
DPI = 100
WIDTH, ROW, CURVES = 12.0, 0.72, 3.2
LOSS_SIZE = 8.0, 4.5
# matplotlib repeats its colours after ten curves. Of equal curves, the gaps of each show those below it.
COLOURS, LINES = 10, ("-", (0, (8, 4)), (0, (4, 2)), (0, (1, 2)))
# Below this ratio no signal can be seen; some schedules fall to 0.
LEAST_SNR = 1e-5
# The points of a curve of fewer are marked: a line through one point is invisible.
FEW_POINTS = 30


def quality_sheet(
    samples: Images,
    nearest: Images | None = None,
    noise_loss: Mapping[str, tuple[Values, Values]] | None = None,
    bits: tuple[Values, Values] | None = None,
) -> Image.Image:
    """Draw samples in rows of 16, and below them the curves that are given.

    Args:
        nearest: the nearest training image of each sample, shown below it.
        noise_loss: timesteps, and mean squared errors of the noise there, by label.
        bits: timesteps, and terms of the variational bound there, in bits per dimension.

    Example:
        >>> quality_sheet(images, nearest=images).save("quality.png")
    """
    from matplotlib.figure import Figure

    tiles = samples if nearest is None else _interleaved(samples, nearest)
    lines = {
        ("mean squared error of the predicted noise", "linear"): noise_loss or {},
        # The terms fall about as 1/t.
        ("terms of the variational bound, bits per dimension", "log"): {"": bits} if bits else {},
    }
    curves = {about: drawn for about, drawn in lines.items() if drawn}
    heights = [ROW * -(-len(tiles) // COLUMNS), *[CURVES] * bool(curves)]
    figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained", dpi=DPI)
    cells = figure.add_gridspec(len(heights), len(curves) or 1, height_ratios=heights)
    _show_images(figure.add_subplot(cells[0, :]), tiles, nearest is not None)
    for column, ((title, scale), curve) in enumerate(curves.items()):
        _show_curves(figure.add_subplot(cells[1, column], title=title, xscale=scale), curve)
    return _rendered(figure)


def loss_curve(metrics: Iterable[Mapping[str, Any]]) -> Image.Image:
    """Draw the loss over the images seen, on a logarithmic axis.

    Args:
        metrics: lines of a run's metrics, with `images_seen` and `loss`; lines without a loss are skipped.

    Raises:
        NevoaError: no line has a loss.

    Example:
        >>> loss_curve(run.metrics()).save("loss.png")
    """
    return loss_curves({"": metrics})


def loss_curves(runs: Mapping[str, Iterable[Mapping[str, Any]]]) -> Image.Image:
    """Draw the losses of runs, by name, as `loss_curve` does. A NevoaError if one of them has not reported any.

    Example:
        >>> loss_curves({"first": run.metrics(), "second": run.metrics()}).save("losses.png")
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=LOSS_SIZE, layout="constrained", dpi=DPI)
    axes = figure.add_subplot()
    for index, (name, metrics) in enumerate(runs.items()):
        points = [(line["images_seen"], line["loss"]) for line in metrics if line.get("loss") is not None]
        if not points:
            raise NevoaError(f"There is no loss to draw yet: {name or 'the run'} has not reported any.")
        marker = "." if len(points) < FEW_POINTS else ""
        style = LINES[(index + index // COLOURS) % len(LINES)]
        axes.semilogy(*zip(*points, strict=True), linestyle=style, label=name, linewidth=1.4, marker=marker)
    if any(runs):
        axes.legend(fontsize=9)
    axes.locator_params(axis="x", nbins=6)
    axes.set(xlabel="images seen", ylabel="loss")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    label_plainly(axes.yaxis)
    axes.grid(alpha=0.3, which="both")
    return _rendered(figure)


def label_plainly(axis: "Axis") -> None:
    """Label a logarithmic axis as 0.8, not 8e-01, at the ticks that matplotlib chooses."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            number = np.format_float_positional(x, 4, fractional=False, trim="-")
            return number if super().__call__(x, pos) else ""

    axis.set_major_formatter(Plain())
    axis.set_minor_formatter(Plain(labelOnlyBase=False))


def schedule_curves(schedules: Mapping[str, tuple[Curve, Curve]], width: int) -> Image.Image:
    """Draw alpha_bar (signal squared) and the ratio of signal to noise over t, side by side.

    Args:
        schedules: tables of signal and noise for t = 0 … T, by name.
        width: of the picture in pixels, at least WIDTH * DPI / 2.

    Example:
        >>> schedule = NoiseSchedule.cosine()
        >>> tables = schedule.signal.numpy(), schedule.noise.numpy()
        >>> schedule_curves({"cosine": tables}, width=900).save("schedule.png")
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(width / DPI, WIDTH / 2), CURVES), layout="constrained", dpi=DPI)
    left, right = figure.subplots(1, 2)
    for name, (signal, noise) in schedules.items():
        left.plot(signal**2, label=name)
        # At t = 0 there is no noise.
        right.semilogy(np.arange(1, len(signal)), signal[1:] ** 2 / noise[1:] ** 2, label=name)
    left.set_title("alpha_bar: signal²", fontsize=10)
    right.set_title("SNR: signal² / noise²", fontsize=10)
    right.set_ylim(bottom=LEAST_SNR)
    for axes in (left, right):
        axes.set_xlabel("timestep t")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=9)
    return _rendered(figure)


def _interleaved(samples: Images, nearest: Images) -> UInt8[np.ndarray, "tiles H W C"]:
    """Alternate rows of samples and rows of their nearest training images. White fills the last of each."""
    blank = np.full((-len(samples) % COLUMNS, *samples.shape[1:]), 255, np.uint8)
    samples, nearest = (np.concatenate([part, blank]) for part in (samples, nearest))
    firsts = range(0, len(samples), COLUMNS)
    return np.concatenate([part[i : i + COLUMNS] for i in firsts for part in (samples, nearest)])


def _show_images(axes: "Axes", tiles: Images, paired: bool) -> None:
    axes.imshow(grid(tiles, columns=COLUMNS), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    axes.set_axis_off()
    if paired:
        axes.set_title(
            "samples, each above its nearest training image; last two rows: the nearest pairs of all", fontsize=10
        )


def _show_curves(axes: "Axes", curves: Mapping[str, tuple[Values, Values]]) -> None:
    for label, (timesteps, values) in curves.items():
        axes.plot(timesteps, values, label=label, marker="o", markersize=4, linewidth=1.4)
    if any(curves):
        axes.legend(fontsize=9)
    axes.title.set_fontsize(10)
    axes.set(xlabel="timestep t (1: least noise)", yscale="log")
    axes.grid(alpha=0.3)


def _rendered(figure: "Figure") -> Image.Image:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba()))
