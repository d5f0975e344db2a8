"""What is done to training images, and the numbers that tell it."""

from typing import Any

import numpy as np
import pytest

from nevoa.config.augmentation import CONDITIONED, NUMBERS
from nevoa.data import Batches, ImageSet, as_image_set
from nevoa.data.augmentation import Augmentation, colours, geometry
from tests.data.pictures import photo

ALL = dict.fromkeys(CONDITIONED, 0.5)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (8, 16, 24, 3), dtype=np.uint8)


def smooth(side: int, count: int = 1) -> np.ndarray:
    """A photograph, which interpolation changes little."""
    picture = np.asarray(photo(size=(side, side)))
    return np.repeat(picture[None], count, axis=0)


def both(numbers: list[float]) -> np.ndarray:
    return np.repeat(np.array([numbers], np.float64), 8, axis=0)


def test_to_mirror_twice_is_to_do_nothing(pixels: np.ndarray) -> None:
    numbers = {"mirror": both([1])}
    np.testing.assert_array_equal(geometry(pixels, numbers), pixels[:, :, ::-1])
    np.testing.assert_array_equal(geometry(geometry(pixels, numbers), numbers), pixels)


def test_a_shift_by_whole_pixels_is_exact_and_can_be_undone(pixels: np.ndarray) -> None:
    """By 2 of 16 rows and 3 of 24 columns at most; what comes into view is a reflection."""
    moved = geometry(pixels, {"shift": both([0.5, -1])})
    np.testing.assert_array_equal(moved[:, 1:, :-3], pixels[:, :-1, 3:])
    np.testing.assert_array_equal(moved[:, 0], moved[:, 1])
    back = geometry(moved, {"shift": both([-0.5, 1])})
    np.testing.assert_array_equal(back[:, :-1, 3:], pixels[:, :-1, 3:])


def test_a_quarter_turn_and_a_half_are_exact(pixels: np.ndarray) -> None:
    square = pixels[:, :, :16]
    turned = geometry(square, {"rotate": both([-1, 1])})
    assert any(np.array_equal(turned, np.rot90(square, turns, axes=(1, 2))) for turns in (1, 3))
    np.testing.assert_array_equal(geometry(pixels, {"rotate": both([-2, 0])}), pixels[:, ::-1, ::-1])


@pytest.mark.parametrize(
    ("name", "there", "back"),
    [
        ("rotate", [np.cos(0.4) - 1, np.sin(0.4)], [np.cos(0.4) - 1, -np.sin(0.4)]),
        ("squeeze", [0.5, 0.7], [-0.5, -0.7]),
        ("scale", [1.0], [-1.0]),
    ],
)
def test_the_opposite_numbers_undo_a_transformation(name: Any, there: list[float], back: list[float]) -> None:
    """In the middle, up to interpolation: they are the logarithm of what was done."""
    images = smooth(64, 8)
    moved = geometry(images, {name: both(there)})
    again = geometry(moved, {name: both(back)})
    middle = (slice(None), slice(20, 44), slice(20, 44))
    assert np.abs(again[middle].astype(int) - images[middle]).mean() < 2
    assert np.abs(moved[middle].astype(int) - images[middle]).mean() > 4


def test_a_squeeze_keeps_areas_and_a_scale_does_not() -> None:
    square = np.zeros((8, 64, 64, 1), np.uint8)
    square[:, 24:40, 24:40] = 255
    across = geometry(square, {"squeeze": both([1, 0])})[0, :, :, 0] / 255
    larger = geometry(square, {"scale": both([1])})[0, :, :, 0] / 255
    assert across.sum() == pytest.approx(16 * 16, rel=0.02)
    assert (across[32].sum(), across[:, 32].sum()) == pytest.approx((16 * 2**0.2, 16 / 2**0.2), rel=0.04)
    assert larger.sum() == pytest.approx(16 * 16 * 2**0.4, rel=0.02)


def test_colours_change_as_the_numbers_say() -> None:
    grays = np.full((8, 4, 4, 3), 128, np.uint8)
    assert (colours(grays, {"colour": both([1, 0, 0])}) == 128 + round(0.2 * 127.5)).all()
    assert (colours(grays, {"colour": both([0, 0, 3])}) == 128).all()  # gray has no saturation
    red = np.full((8, 4, 4, 3), (200, 50, 50), np.uint8)
    pale = colours(red, {"colour": both([0, 0, -1])})
    np.testing.assert_array_equal(pale[0, 0, 0], [150, 75, 75])
    flat = colours(red, {"colour": both([0, -2, 0])})
    np.testing.assert_array_equal(flat[0, 0, 0], [164, 89, 89])


def test_zeros_tell_of_an_untouched_image_and_other_numbers_do_not(pixels: np.ndarray) -> None:
    images = as_image_set(pixels.repeat(64, axis=0))
    augmentation = Augmentation(dict.fromkeys(CONDITIONED, 0.1), 0, images.shape)
    numbers, seen = augmentation.numbers(0, len(images)), augmentation.applied(images, 0).images
    untouched = ~numbers.any(1)
    assert 100 < untouched.sum() < 400
    np.testing.assert_array_equal((seen == images.images).all((1, 2, 3)), untouched)


@pytest.mark.parametrize("name", CONDITIONED)
def test_each_comes_as_often_as_its_chance_says(name: Any) -> None:
    """20,000 draws: a standard error of 0.0028."""
    numbers = Augmentation({name: 0.2}, 0, (3, 800, 800)).numbers(0, 20_000)
    assert numbers.shape == (20_000, NUMBERS[name])
    assert numbers.any(1).mean() == pytest.approx(0.2, abs=0.012)
    # mean and spread are near those of a unit, so that the network gets numbers of the size that it is used to
    assert 0.4 < np.abs(numbers[numbers.any(1)]).max(1).mean() < 2


def test_gray_images_have_no_saturation() -> None:
    assert not Augmentation({"colour": 1.0}, 0, (1, 8, 8)).numbers(0, 100)[:, 2].any()
    assert Augmentation({"colour": 1.0}, 0, (3, 8, 8)).numbers(0, 100)[:, 2].all()


def test_one_transformation_is_drawn_alike_with_or_without_a_flip() -> None:
    plain, flipped = (Augmentation({**own, "shift": 0.5}, 3, (1, 32, 32)) for own in ({}, {"flip": 0.5}))
    np.testing.assert_array_equal(plain.numbers(5, 500), flipped.numbers(5, 500))


@pytest.mark.parametrize("cuts", [(1, 299), (150, 150), (255, 2, 43)])
def test_the_draws_do_not_depend_on_how_the_stream_is_cut(pixels: np.ndarray, cuts: tuple[int, ...]) -> None:
    images, augment = as_image_set(pixels, pictures=255 - pixels), {"flip": 0.5, **ALL}
    whole, numbers = Batches(images, 0, augment).take(7, 300), Batches(images, 0, augment).augmentations(7, 300)
    assert whole.pictures is not None
    batches, first = Batches(images, 0, augment), 7
    for count in cuts:
        part, place = batches.take(first, count), slice(first - 7, first - 7 + count)
        np.testing.assert_array_equal(part.images, whole.images[place])
        np.testing.assert_array_equal(part.pictures, whole.pictures[place])
        np.testing.assert_array_equal(batches.augmentations(first, count), numbers[place])
        first += count
    assert (Batches(images, 1, augment).augmentations(7, 300) != numbers).any()


def test_a_picture_is_transformed_as_its_image_is(pixels: np.ndarray) -> None:
    """All but its colours; the set itself stays as it is."""
    images = as_image_set(pixels, pictures=pixels.copy())
    before = images.images.copy()
    seen = Batches(images, 0, {name: 0.5 for name in ("flip", *CONDITIONED) if name != "colour"}).take(0, 100)
    assert seen.pictures is not None
    np.testing.assert_array_equal(seen.images, seen.pictures)
    coloured = Batches(images, 0, {"colour": 1.0}).take(0, 8)
    np.testing.assert_array_equal(coloured.pictures, images.take(Batches(images, 0).indices(0, 8)).images)
    assert (coloured.images != coloured.pictures).any()
    np.testing.assert_array_equal(images.images, before)


def test_labels_stay_with_their_images(few_images: ImageSet) -> None:
    plain, seen = (Batches(few_images, 0, augment).take(3, 50) for augment in ({}, ALL))
    np.testing.assert_array_equal(plain.labels, seen.labels)
