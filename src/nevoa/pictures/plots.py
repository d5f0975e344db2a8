"""Plots that explain: curves with histograms, and the plane with its density, arrows and paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from nevoa.pictures.figures import DPI, _rendered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = Any  # whatever numpy turns into a one-dimensional array: a list, an array, a tensor
CHART, PLANE = (4.8, 2.8), (3.2, 3.2)
BINS = 80


def chart(
    curves: Mapping[str, tuple[Values, Values]],
    samples: Mapping[str, Values] | None = None,
    x: str = "",
    y: str = "",
    log: bool = False,
) -> Image.Image:
    """Draw curves, and histograms of samples behind them, in one picture.

    Labels may be mathematics, as in `$\\bar\\alpha_t$`.

    Args:
        curves: x and y of each curve, by label; a label that begins with `_` is not shown.
        samples: values by label, each drawn as a histogram of area 1.
        log: whether the axis of y is logarithmic.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=CHART, layout="constrained", dpi=DPI)
    axes = figure.add_subplot()
    for label, values in (samples or {}).items():
        axes.hist(np.asarray(values), BINS, density=True, alpha=0.4, label=label)
    for index, (label, (along, up)) in enumerate(curves.items()):
        axes.plot(np.asarray(along), np.asarray(up), ("-", "--", "-.", ":")[index % 4], label=label, linewidth=1.8)
    if log:
        axes.set_yscale("log")
    axes.set(xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    if any(not label.startswith("_") for label in (*curves, *(samples or {}))):
        axes.legend(fontsize=9)
    return _rendered(figure).convert("RGB")


@dataclass(frozen=True)
class Plane:
    """What `plane` draws, from back to front; all but the first may be left out.

    Attributes:
        density: `[N, N]`, of the points of `square`.
        arrows: where they begin, `[M, 2]`, and their vectors, `[M, 2]`.
        points: `[P, 2]`.
        paths: `[S, P, 2]`, S moments of P points; each ends in a dot.
    """

    density: Float[np.ndarray, "N N"]
    arrows: tuple[Any, Any] | None = None
    points: Any = None
    paths: Any = None


def square(side: float = 2.6, count: int = 101) -> Float[np.ndarray, "M 2"]:
    """Return the `count²` points of a grid over the square from -side to side, row by row from below."""
    line = np.linspace(-side, side, count)
    return np.stack([axis.ravel() for axis in np.meshgrid(line, line)], axis=1)


def plane(drawn: Plane, side: float = 2.6) -> Image.Image:
    """Draw the square from -side to side, for a density on the points of `square`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=PLANE, layout="constrained", dpi=DPI)
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
        axes.scatter(*np.asarray(drawn.points).T, s=4, color="tab:orange")
    if drawn.paths is not None:
        paths = np.asarray(drawn.paths)
        axes.plot(paths[..., 0], paths[..., 1], color="tab:orange", linewidth=0.8)
        axes.scatter(*paths[-1].T, s=14, color="tab:red", zorder=3)
