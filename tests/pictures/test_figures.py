"""Figures."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from nevoa.errors import NevoaError
from nevoa.pictures import loss_curve, loss_curves, quality_sheet
from nevoa.pictures.figures import label_plainly


def colored(picture: Image.Image) -> np.ndarray:
    """Where a picture is not gray: the curve."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return pixels.max(axis=2) - pixels.min(axis=2) > 60


def test_an_exponential_decay_is_a_straight_line() -> None:
    lines = [{"images_seen": 100 * i, "loss": 2.0 ** (-i / 10)} for i in range(1, 100)]
    rows, columns = np.nonzero(colored(loss_curve(lines)))
    fit = np.polyfit(columns, rows, 1)
    assert fit[0] > 0  # downwards
    assert np.abs(np.polyval(fit, columns) - rows).max() < 4


@pytest.mark.slow
def test_lines_without_a_loss_are_skipped() -> None:
    lines = [{"images_seen": 10, "loss": 1.0}, {"images_seen": 20, "loss": None}, {"images_seen": 30, "loss": 0.5}]
    assert loss_curve(lines) == loss_curve([lines[0], lines[2]])
    assert colored(loss_curve(lines[:1])).any()
    with pytest.raises(NevoaError, match="no loss to draw"):
        loss_curve(lines[1:2])


@pytest.mark.slow
def test_runs_are_compared_in_their_own_colours_and_a_run_without_a_loss_is_named() -> None:
    lines = [{"images_seen": 100 * i, "loss": 1 / i} for i in range(1, 40)]
    higher = [{"images_seen": line["images_seen"], "loss": 2 * line["loss"]} for line in lines]
    pixels = np.asarray(loss_curves({"runs/a": lines, "runs/b": higher}).convert("RGB")).astype(int)
    blue, orange = (pixels[..., 2] - pixels[..., 0] > 60), (pixels[..., 0] - pixels[..., 2] > 60)
    middle = slice(pixels.shape[1] // 3, pixels.shape[1] // 2)
    assert np.nonzero(orange[:, middle])[0].mean() < np.nonzero(blue[:, middle])[0].mean()
    with pytest.raises(NevoaError, match="runs/c has not reported any"):
        loss_curves({"runs/a": lines, "runs/c": []})


def test_of_equal_curves_all_colours_can_be_seen() -> None:
    lines = [{"images_seen": 100 * i, "loss": 1 / i} for i in range(1, 40)]
    pixels = np.asarray(loss_curves({"runs/a": lines, "runs/b": lines}).convert("RGB")).astype(int)
    drawn = pixels[:, : pixels.shape[1] // 2]  # left of the legend
    for first, second in ((0, 2), (2, 0)):  # orange, blue
        assert (drawn[..., first] - drawn[..., second] > 60).sum() > 50


@pytest.mark.parametrize(("least", "most"), [(0.2, 0.9), (0.0001, 2.0), (0.24, 0.26)])
def test_a_logarithmic_axis_has_plain_numbers(least: float, most: float) -> None:
    figure = Figure()
    axes = figure.add_subplot()
    axes.semilogy([least, most])
    label_plainly(axes.yaxis)
    FigureCanvasAgg(figure).draw()
    shown = [label.get_text() for label in axes.yaxis.get_ticklabels(which="both") if label.get_text()]
    assert len(shown) > 1 and not [text for text in shown if "e" in text or "$" in text]


@pytest.mark.slow
def test_a_quality_sheet_grows_with_its_parts() -> None:
    images = np.random.default_rng(0).integers(0, 255, (32, 8, 8, 1), dtype=np.uint8)
    curve = np.arange(1, 51), np.linspace(1, 0.1, 50)
    heights = [
        quality_sheet(images).height,
        quality_sheet(images, images).height,
        quality_sheet(images, images, {"": curve, "held-out images": curve}, curve).height,
    ]
    assert heights == sorted(set(heights))


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 10, 20])
def test_each_image_of_a_quality_sheet_is_above_its_nearest_whatever_their_number(count: int) -> None:
    images, white = np.zeros((count, 8, 8, 1), np.uint8), np.full((-count % 16, 8, 8, 1), 255, np.uint8)
    nearest = np.full_like(images, 128)
    whole_rows = quality_sheet(np.concatenate([images, white]), np.concatenate([nearest, white]))
    assert quality_sheet(images, nearest).tobytes() == whole_rows.tobytes()
