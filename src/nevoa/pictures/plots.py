"""Plots that explain: curves with histograms, and the plane with its density, arrows and paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from nevoa.pictures.figures import DPI, Values, _rendered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHART, PLANE = (4.8, 2.8), 3.2
BINS = 80


def chart(
    curves: Mapping[str, tuple[Values, Values]],
    samples: Mapping[str, Values] | None = None,
    dots: Mapping[str, tuple[Values, Values]] | None = None,
    x: str = "",
    y: str = "",
    log: bool = False,
    top: float | None = None,
) -> Image.Image:
    """Draw curves, with histograms of samples behind them and dots before them, in one picture.

    Labels may be mathematics, as in `$\\bar\\alpha_t$`.

    Args:
        curves: x and y of each curve, by label; a label that begins with `_` is not shown.
        samples: values by label, each drawn as a histogram of area 1.
        dots: x and y of separate points, by label.
        log: whether the axis of y is logarithmic.
        top: where the axis of y ends, to compare pictures; chosen if None.

    Example:
        >>> chart({"$x^2$": ([0, 1, 2], [0, 1, 4])}, x="$x$").mode
        'RGB'
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=CHART, layout="constrained", dpi=DPI)
    axes = figure.add_subplot()
    for label, values in (samples or {}).items():
        axes.hist(np.asarray(values), BINS, density=True, alpha=0.4, label=label)
    for index, (label, (along, up)) in enumerate(curves.items()):
        axes.plot(np.asarray(along), np.asarray(up), ("-", "--", "-.", ":")[index % 4], label=label, linewidth=1.8)
    for label, (along, up) in (dots or {}).items():
        axes.plot(np.asarray(along), np.asarray(up), "o", label=label, markersize=4)
    axes.set(xlabel=x, ylabel=y, yscale="log" if log else "linear")
    axes.set_ylim(top=top)
    axes.grid(alpha=0.3)
    if any(not label.startswith("_") for label in (*curves, *(samples or {}), *(dots or {}))):
        axes.legend(fontsize=9)
    return _rendered(figure).convert("RGB")


@dataclass(frozen=True)
class Plane:
    """The layers that `plane` draws, from back to front; all but the first are optional.

    Attributes:
        density: `[N, N]`, of the points of `square`.
        arrows: where they begin, `[M, 2]`, and their vectors, `[M, 2]`.
        points: `[P, 2]`.
        paths: `[S, P, 2]`, S moments of P points; each begins in a ring and ends in a dot.

    Example:
        >>> Plane(np.ones((101, 101)), points=[[0, 0], [1, 1]]).points
        [[0, 0], [1, 1]]
    """

    density: Float[np.ndarray, "N N"]
    arrows: tuple[Any, Any] | None = None
    points: Any = None
    paths: Any = None


def square(side: float = 2.6, count: int = 101) -> Float[np.ndarray, "M 2"]:
    """Return the `count²` points of a grid over the square from -side to side, row by row from below.

    Example:
        >>> square(side=1.0, count=3).shape
        (9, 2)
    """
    line = np.linspace(-side, side, count)
    return np.stack([axis.ravel() for axis in np.meshgrid(line, line)], axis=1)


def plane(drawn: Plane, side: float = 2.6, inches: float = PLANE) -> Image.Image:
    """Draw the square from -side to side, for a density on the points of `square`, in a picture of some inches.

    Example:
        >>> plane(Plane(np.ones((101, 101)))).mode
        'RGB'
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(inches, inches), layout="constrained", dpi=DPI)
    axes = figure.add_subplot()
    axes.imshow(drawn.density, cmap="Blues", origin="lower", extent=(-side, side, -side, side))
    _draw_on(axes, drawn)
    axes.set(xlim=(-side, side), ylim=(-side, side), xticks=(-2, 0, 2), yticks=(-2, 0, 2))
    return _rendered(figure).convert("RGB")


def _draw_on(axes: "Axes", drawn: Plane) -> None:
    if drawn.arrows is not None:
        places, vectors = map(np.asarray, drawn.arrows)
        axes.quiver(*places.T, *vectors.T, color="black", angles="xy", width=0.005)
    if drawn.points is not None:
        axes.scatter(*np.asarray(drawn.points).T, s=2, alpha=0.6, color="tab:orange")
    if drawn.paths is not None:
        for index, path in enumerate(np.asarray(drawn.paths).swapaxes(0, 1)):
            colour = f"C{index + 1}"
            axes.plot(*path.T, color=colour, linewidth=1)
            axes.plot(*path[0], "o", color=colour, fillstyle="none", markersize=8)
            axes.plot(*path[-1], "o", color=colour, markeredgecolor="black", markersize=8, zorder=3)
