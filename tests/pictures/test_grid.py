"""Every image is where it should be on its sheet."""

from collections.abc import Callable
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from nevoa.pictures import class_grid, enlargement, grid, titled_grid, titled_rows

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


PROMPT = "a small red circle above a large"


def test_a_gray_sheet_is_gray() -> None:
    assert grid(IMAGES[..., :1]).mode == "L"


@pytest.mark.parametrize("columns", [1, 3, 7])
def test_every_titled_image_is_at_its_place_above_its_title(columns: int) -> None:
    """Titles change nothing of the tiles: cut out of the picture, they are the grid without titles."""
    picture = titled_grid(IMAGES, ["title"] * len(IMAGES), columns, scale=10)
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
    picture = titled_grid(IMAGES[:3], ["Ankle boot"] * 3, 3, scale=16)
    tiles = grid(IMAGES[:3], columns=3, gap=4, scale=16)
    below = np.asarray(picture)[tiles.height :]
    for gap in (0, 68, 136, 204):
        assert (below[:, gap : gap + 4] == 255).all()


@pytest.mark.parametrize("sheet", [titled_grid, lambda images, titles: titled_rows([images], titles)])
def test_a_long_prompt_is_read_to_its_end(sheet: Callable[..., Image.Image]) -> None:
    """Its last word is in the picture; of a whole page of words it is not, and the picture does not grow."""
    left, right, page = (sheet(IMAGES[:1], [title]) for title in (f"{PROMPT} left", f"{PROMPT} right", "words " * 200))
    assert left.tobytes() != right.tobytes()
    assert page.height < 2 * left.height


def test_titled_rows_have_their_titles_on_the_left() -> None:
    rows = [IMAGES[:3], IMAGES[3:6]]
    picture = np.asarray(titled_rows(rows, ["a", "b"], scale=9))
    sheet = np.concatenate([np.asarray(grid(row, columns=3, scale=9)) for row in rows])
    np.testing.assert_array_equal(picture[:, -sheet.shape[1] :], sheet)
    for half in np.array_split(picture[:, : -sheet.shape[1]], 2):
        assert (half < 128).any()


@pytest.mark.parametrize("size", [(28, 28), (16, 40)])
def test_small_images_are_enlarged_by_whole_factors(size: tuple[int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 255, (4, *size, 1), dtype=np.uint8)
    scale = {28: 3, 16: 2}[size[0]]
    assert grid(images) == grid(images, scale=scale)
    assert class_grid(images, list("abcd")) == titled_grid(images, list("abcd"), scale=scale)
    assert class_grid(images, ["a", "b"]) == titled_rows([images[::2], images[1::2]], ["a", "b"], scale=scale)


def test_large_images_and_many_images_are_not_enlarged() -> None:
    assert grid(np.zeros((1, 100, 80, 1), np.uint8), gap=0).size == (80, 100)
    assert grid(np.zeros((10_000, 28, 28, 1), np.uint8), gap=0).size == (2800, 2800)


@pytest.mark.parametrize("classes", [1, 2, 3, 10, 20, 33, 100, 200, 500])
@pytest.mark.parametrize("each", [1, 2, 8, 60])
def test_sheets_of_classes_are_no_strips(classes: int, each: int) -> None:
    picture = class_grid(np.zeros((classes * each, 4, 4, 1), np.uint8), [f"class {n}" for n in range(classes)])
    # Two classes of eight are two rows of eight.
    assert 1 / 2.5 < picture.width / picture.height < (10 if classes < 3 else 3)


def test_every_class_has_its_images_in_one_row() -> None:
    """In blocks side by side too. Each class has its own shade of red; titles are black."""
    images = np.zeros((400, 8, 8, 3), np.uint8)
    images[..., 0] = np.tile(np.arange(50, 250), 2)[:, None, None]
    images[..., 2] = 255
    sheet = np.asarray(class_grid(images, ["class"] * 200))
    side = 8 * enlargement(images)
    for shade in range(50, 250, 20):
        rows, columns = np.nonzero((sheet[..., 0] == shade) & (sheet[..., 2] == 255) & (sheet[..., 1] == 0))
        assert len(rows) == 2 * side**2
        assert np.ptp(rows) + 1 == side and np.ptp(columns) + 1 == 2 * side + 2


def test_a_long_title_is_cut_to_its_place() -> None:
    images, long = np.zeros((4, 28, 28, 1), np.uint8), "a name of a hundred letters " * 4
    assert class_grid(images, [long] * 2).width < 400
    assert class_grid(images, [long] * 4).width == grid(images, gap=4).width


def test_a_title_has_the_letters_of_its_language() -> None:
    """Without a letter, a font draws the same box for each."""
    drawn = [titled_rows([IMAGES], [title]).tobytes() for title in "ãõçłşβя"]
    assert len(set(drawn)) == len(drawn)
    assert titled_rows([IMAGES], [normalize("NFD", "cães")]) == titled_rows([IMAGES], ["cães"])


def test_an_image_of_an_unconditional_model_has_no_title() -> None:
    assert class_grid(IMAGES, ()) == grid(IMAGES)
