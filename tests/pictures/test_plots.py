"""Plots that explain."""

import numpy as np
import pytest
from PIL import Image

from nevoa.pictures import Plane, chart, plane, square


def colourful(picture: Image.Image) -> np.ndarray:
    """Where a picture is not gray: the curves."""
    pixels = np.asarray(picture).astype(int)
    return pixels.max(axis=2) - pixels.min(axis=2) > 60


@pytest.mark.slow
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


def test_dots_are_separate_and_the_axis_ends_where_it_is_told() -> None:
    x = np.array([0.0, 1.0])
    line, dots = colourful(chart({"_": (x, x)})), colourful(chart({}, dots={"_": (x, x)}))
    assert line[:, line.shape[1] // 2].any() and not dots[:, dots.shape[1] // 2].any()
    columns = np.nonzero(dots.any(axis=0))[0]
    assert (np.diff(columns) > 100).sum() == 1
    low, high = (np.nonzero(colourful(chart({"_": (x, x)}, top=top)))[0].min() for top in (2, 1.05))
    assert low > high + 50


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


def test_a_path_begins_in_a_ring_and_ends_in_a_dot_and_has_a_colour_of_its_own() -> None:
    steps = np.linspace(-2, 2, 50)[:, None]
    paths = np.stack([steps * [1, 0] + [0, 1], steps * [-1, 0] - [0, 1]], axis=1)
    pixels = np.asarray(plane(Plane(np.zeros((101, 101)), paths=paths), inches=5)).astype(int)
    upper, lower = np.array_split(pixels, 2)
    found = []
    for half, ends in ((upper, (min, max)), (lower, (max, min))):
        rows, columns = np.nonzero(half.max(axis=2) - half.min(axis=2) > 100)
        ring, dot = ((np.abs(columns - end(columns)) < 10).sum() for end in ends)
        assert dot > 1.3 * ring
        found.append(tuple(np.median(half[rows, columns], axis=0)))
    assert found[0] != found[1]
