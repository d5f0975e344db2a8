"""Every image is where it should be on its sheet."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.pictures import grid, save_gif, titled_strip

IMAGES = np.random.default_rng(0).integers(0, 255, (7, 5, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("columns", [1, 3, 7])
@pytest.mark.parametrize("scale", [1, 3])
def test_every_image_is_at_its_place(columns: int, scale: int) -> None:
    sheet = np.asarray(grid(IMAGES, columns=columns, gap=2, scale=scale))
    rows = -(-7 // columns)
    assert sheet.shape == (rows * (5 * scale + 2) + 2, columns * (4 * scale + 2) + 2, 3)
    for index, image in enumerate(IMAGES):
        row, column = divmod(index, columns)
        top, left = 2 + row * (5 * scale + 2), 2 + column * (4 * scale + 2)
        np.testing.assert_array_equal(sheet[top : top + 5 * scale : scale, left : left + 4 * scale : scale], image)
    assert (sheet[:2] == 255).all()


def test_a_gray_sheet_is_gray() -> None:
    assert grid(IMAGES[..., :1]).mode == "L"


def test_a_strip_has_room_for_its_titles_and_writes_them() -> None:
    strip = titled_strip(IMAGES[:3], ["t = 0", "t = 500", "t = 1000"], side=64)
    tiles = grid(IMAGES[:3], columns=3, gap=4, scale=16)
    assert strip.width == tiles.width
    below = np.asarray(strip)[tiles.height :]
    for third in np.array_split(below, 3, axis=1):
        assert (third < 128).any()


def test_a_gif_plays_its_frames_and_holds_the_last(tmp_path: Path) -> None:
    frames = [Image.new("L", (8, 8), shade) for shade in (0, 100, 255)]
    save_gif(frames, tmp_path / "x.gif", seconds=0.3, hold_seconds=1.0)
    with Image.open(tmp_path / "x.gif") as gif:
        assert getattr(gif, "n_frames", 1) == 3
        durations = []
        for index in range(3):
            gif.seek(index)
            durations.append(gif.info["duration"])
    assert durations == [100, 100, 1100]


def test_rows_are_filled_column_by_column() -> None:
    """Image n is in row n % rows; what is missing at the end is white."""
    images = np.arange(0, 50, 10, dtype=np.uint8)[:, None, None, None].repeat(4, axis=1).repeat(4, axis=2)
    sheet = np.asarray(grid(images, rows=2, gap=0, scale=1))[::4, ::4]
    assert sheet.tolist() == [[0, 20, 40], [10, 30, 255]]
