"""Every image is where it should be on its sheet."""

import numpy as np
import pytest

from nevoa.pictures import grid, titled_grid, titled_rows

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


@pytest.mark.parametrize("columns", [1, 3, 7])
def test_every_titled_image_is_at_its_place_above_its_title(columns: int) -> None:
    """Titles change nothing of the tiles: cut out of the picture, they are the grid without titles."""
    picture = titled_grid(IMAGES, ["title"] * len(IMAGES), columns, side=40)
    strip = grid(IMAGES[:columns], columns=columns, gap=4, scale=10)
    pitch = picture.height // -(-len(IMAGES) // columns)
    assert (picture.width, pitch > strip.height) == (strip.width, True)
    for row, first in enumerate(range(0, len(IMAGES), columns)):
        images = IMAGES[first : first + columns]
        tiles = grid(images, columns=len(images), gap=4, scale=10)
        top = row * pitch
        found = picture.crop((0, top, tiles.width, top + tiles.height))
        np.testing.assert_array_equal(np.asarray(found), np.asarray(tiles))
        below = np.asarray(picture.crop((0, top + tiles.height, tiles.width, top + pitch)))
        for part in np.array_split(below, len(images), axis=1):
            assert (part < 128).any()


def test_long_titles_do_not_run_into_each_other() -> None:
    """The columns between two tiles stay white below them."""
    picture = titled_grid(IMAGES[:3], ["Ankle boot"] * 3, 3, side=64)
    tiles = grid(IMAGES[:3], columns=3, gap=4, scale=16)
    below = np.asarray(picture)[tiles.height :]
    for gap in (0, 68, 136, 204):
        assert (below[:, gap : gap + 4] == 255).all()


def test_titled_rows_have_their_titles_on_the_left() -> None:
    rows = [IMAGES[:2], IMAGES[2:5]]
    picture = np.asarray(titled_rows(rows, ["a", "b"]))
    sheet = np.asarray(grid(np.concatenate([IMAGES[:2], np.full_like(IMAGES[:1], 255), IMAGES[2:5]]), columns=3))
    np.testing.assert_array_equal(picture[:, -sheet.shape[1] :], sheet)
    for half in np.array_split(picture[:, : -sheet.shape[1]], 2):
        assert (half < 128).any()


def test_rows_are_filled_column_by_column() -> None:
    """Image n is in row n % rows; what is missing at the end is white."""
    images = np.arange(0, 50, 10, dtype=np.uint8)[:, None, None, None].repeat(4, axis=1).repeat(4, axis=2)
    sheet = np.asarray(grid(images, rows=2, gap=0, scale=1))[::4, ::4]
    assert sheet.tolist() == [[0, 20, 40], [10, 30, 255]]
