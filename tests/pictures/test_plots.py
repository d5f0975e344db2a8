"""Plots that explain."""

import numpy as np
from PIL import Image

from nevoa.pictures import Plane, chart, plane, square


def colourful(picture: Image.Image) -> np.ndarray:
    """Where a picture is not gray: the curves."""
    pixels = np.asarray(picture).astype(int)
    return pixels.max(axis=2) - pixels.min(axis=2) > 60


def test_a_straight_line_is_straight_and_an_exponential_is_on_a_logarithmic_axis() -> None:
    x = np.arange(1, 100)
    for y, log in ((x, False), (2.0**x, True)):
        rows, columns = np.nonzero(colourful(chart({"_": (x, y)}, log=log)))
        fit = np.polyfit(columns, rows, 1)
        assert fit[0] < 0 and np.abs(np.polyval(fit, columns) - rows).max() < 4


def test_a_histogram_lies_below_the_density_of_its_samples() -> None:
    samples, x = np.random.default_rng(0).standard_normal(100_000), np.linspace(-4, 4, 200)
    alone = chart({"_": (x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))})
    both = chart({"_": (x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))}, {"_samples": samples})
    assert alone.size == both.size
    assert (np.asarray(both) != np.asarray(alone)).any(axis=2).mean() > 0.1


def test_the_plane_has_its_density_the_right_way_up() -> None:
    """A peak at the upper right: y grows upwards in the picture, and rows of the array go downwards."""
    density = np.exp(-((square() - [1.5, 1.5]) ** 2).sum(1) * 4).reshape(101, 101)
    pixels = np.asarray(plane(Plane(density))).astype(int)
    rows, columns = np.nonzero((pixels[..., 2] > 90) & (pixels[..., 0] < 60))
    assert rows.mean() < pixels.shape[0] / 2 < columns.mean()


def test_paths_arrows_and_points_are_drawn_over_it() -> None:
    empty = np.zeros((101, 101))
    bare = np.asarray(plane(Plane(empty)))
    points = np.array([[0.0, 1.0], [1.0, 0.0]])
    for drawn in (
        Plane(empty, arrows=(points, points)),
        Plane(empty, points=points),
        Plane(empty, paths=np.stack([points, -points])),
    ):
        assert (np.asarray(plane(drawn)) != bare).any()
