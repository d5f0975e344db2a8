"""Pictures: what is made of images, what a user gives, what the network gets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nevoa.conditions.picture import Downscaled, Edges, Gray, Made, Masked, Paired
from nevoa.config.condition import PicturePlan
from nevoa.data import ImageSet, as_image_set
from nevoa.errors import NevoaError

KINDS = {"downscaled": (Downscaled, "4"), "gray": (Gray, ""), "edges": (Edges, ""), "masked": (Masked, "")}


@pytest.fixture(scope="module")
def images() -> ImageSet:
    """Blocks of colours, so that there are edges, on which there is noise."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 200, (6, 4, 3, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    return as_image_set(blocks + rng.integers(0, 50, blocks.shape, dtype=np.uint8))


def kind(name: str, images: ImageSet) -> Made:
    part, detail = KINDS[name]
    plan = part.found(images, detail)
    assert plan is not None
    return part(plan)


def made(name: str, images: ImageSet) -> list[np.ndarray]:
    count = len(images)
    return kind(name, images).values(images, np.arange(count), np.arange(count) / count)


@pytest.mark.parametrize("name", KINDS)
def test_what_training_makes_is_what_a_user_may_give(name: str, images: ImageSet) -> None:
    """As an array, as an image and as a file."""
    one = made(name, images)[1]
    Image.fromarray(one).save("picture.png")
    for given in (one, Image.fromarray(one), "picture.png", Path("picture.png")):
        np.testing.assert_array_equal(kind(name, images).asked(given), one)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["downscaled", "gray"])
def test_of_a_photo_of_the_models_size_it_is_what_training_makes(name: str, images: ImageSet) -> None:
    """Up to the rounding of Pillow, which averages rows and columns one after the other."""
    for photo, one in zip(images.images, made(name, images), strict=True):
        difference = kind(name, images).asked(photo).astype(int) - one
        assert abs(difference).max() <= (name == "downscaled")


def test_a_downscaled_picture_has_the_means_and_a_small_photo_gives_them(images: ImageSet) -> None:
    one, photo = made("downscaled", images)[0], images.images[0]
    small = one[::4, ::4, :3]
    np.testing.assert_array_equal(small.repeat(4, 0).repeat(4, 1), one[..., :3])
    means = photo.reshape(4, 4, 3, 4, 3).mean((1, 3))
    assert abs(small - means).max() <= 0.5
    np.testing.assert_array_equal(kind("downscaled", images).asked(small), one)


def test_training_adds_as_much_noise_as_chance_says_to_downscaled_pictures() -> None:
    """To pixels of the small picture; none by default, and none where nothing is left to chance."""
    plain = as_image_set(np.full((3, 256, 256), 100, np.uint8))
    plan = Downscaled.found(plain, "2:20")
    assert plan is not None and (plan.factor, plan.noise) == (2, 20)
    chance = np.array([0.0, 0.25, 0.9])
    found = np.stack(Downscaled(plan).values(plain, np.arange(3), chance))[..., 0].astype(float)
    assert [one.std() for one in found] == pytest.approx(20 * chance, rel=0.03)
    assert [one.mean() for one in found] == pytest.approx([100] * 3, abs=0.3)
    assert (found[:, ::2, ::2] == found[:, 1::2, 1::2]).all()
    assert abs(np.corrcoef(found[1].ravel(), found[2].ravel())[0, 1]) < 0.03
    again = Downscaled(plan).values(plain, np.arange(1, 3), chance[1:])
    np.testing.assert_array_equal(np.stack(again)[..., 0], found[1:])
    without = Downscaled(PicturePlan(kind="downscaled", channels=1, height=256, width=256, factor=2))
    assert (np.stack(without.values(plain, np.arange(3), chance))[..., 0] == 100).all()


def test_noise_does_not_leave_the_range_of_pixels() -> None:
    """Where it would wrap around, white pixels were black."""
    white = as_image_set(np.full((1, 64, 64), 255, np.uint8))
    plan = Downscaled.found(white, "2:30")
    assert plan is not None
    assert Downscaled(plan).values(white, np.arange(1), np.array([0.9]))[0][..., 0].min() > 100


@pytest.mark.parametrize("name", ["downscaled", "gray", "edges"])
def test_the_picture_of_a_mirrored_image_is_mirrored(name: str, images: ImageSet) -> None:
    mirrored = as_image_set(images.images[:, :, ::-1].copy())
    for one, other in zip(made(name, images), made(name, mirrored), strict=True):
        np.testing.assert_array_equal(one[:, ::-1], other)


def test_edges_are_where_the_brightness_has_a_step_up_or_down() -> None:
    steps = np.full((2, 8, 8), 100, np.uint8)
    steps[0, :, 4:], steps[1, 4:] = 145, 55
    across, down = (one[..., 0] for one in made("edges", as_image_set(steps)))
    expected = np.zeros((8, 8), np.uint8)
    expected[:, 3:5] = 255
    np.testing.assert_array_equal(across, expected)
    np.testing.assert_array_equal(down, expected.T)
    slight = np.full((1, 8, 8), 100, np.uint8)
    slight[:, :, 4:] = 135
    assert not made("edges", as_image_set(slight))[0][..., 0].any()


def test_a_third_to_two_thirds_of_each_side_is_missing_by_chance(images: ImageSet) -> None:
    masked, chance = kind("masked", images), np.random.default_rng(0).random(600)
    found = masked.values(images, np.zeros(600, np.int64), chance)
    sides = set[tuple[int, int]]()
    for one in found:
        missing = one[..., 3] == 0
        rows, columns = missing.any(1).nonzero()[0], missing.any(0).nonzero()[0]
        assert missing.sum() == len(rows) * len(columns) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        sides |= {(len(rows), len(columns))}
        assert not one[missing].any()
        np.testing.assert_array_equal(one[~missing][:, :3], images.images[0][~missing])
    assert {height for height, _ in sides} == set(range(6, 11)) and {width for _, width in sides} == set(range(4, 9))
    assert np.mean([one[8, 6, 3] == 0 for one in found]) > 2 * np.mean([one[0, 0, 3] == 0 for one in found]) > 0
    np.testing.assert_array_equal(found, masked.values(images, np.zeros(600, np.int64), chance))


@pytest.mark.parametrize("name", KINDS)
def test_the_network_gets_colours_and_where_they_are_and_nothing_for_none(name: str, images: ImageSet) -> None:
    part, one = kind(name, images), made(name, images)[2]
    there, none = part.tensor([one, None])
    assert there.shape == (part.channels, 16, 12)
    assert not none.any()
    assert torch.equal(there[-1], torch.from_numpy(one[..., -1] / 255).float())
    missing = there[-1] == 0
    assert bool(missing.any()) == (name == "masked")
    assert not there[:, missing].any()
    colours = torch.from_numpy(one[..., :-1] / 127.5 - 1).permute(2, 0, 1).float()
    torch.testing.assert_close(there[:-1, ~missing], colours[:, ~missing])


def test_the_data_give_the_picture_in_gray_or_rgb(images: ImageSet) -> None:
    """As the model knows them, also where another split has the other."""
    lines = np.random.default_rng(1).integers(0, 256, (6, 16, 12), dtype=np.uint8)
    gray = as_image_set(images.images, pictures=lines)
    rgb = as_image_set(images.images, pictures=lines[..., None].repeat(3, 3))
    plans = [PicturePlan(kind="picture", channels=channels, height=16, width=12) for channels in (1, 3)]
    some, zeros = np.array([4, 1]), np.zeros(2)
    for plan, train in zip(plans, (gray, rgb), strict=True):
        assert Paired.found(train, None) == plan
        part = Paired(plan)
        assert part.channels == plan.channels + 1
        for given in (gray, rgb):
            for one, line in zip(part.values(given, some, zeros), lines[some], strict=True):
                assert one is not None and (one[..., :-1] == line[..., None]).all() and one.shape[2] == part.channels
        np.testing.assert_array_equal(part.asked(lines[4]), part.values(train, some[:1], zeros[:1])[0])
        assert part.values(images, some, zeros) == [None, None]
        assert [other.after(plan) for other in plans] == [plan, plan]
    assert Paired.found(images, "") is None
    with pytest.raises(NevoaError, match="picture takes nothing after a colon: write --condition picture"):
        Paired.found(gray, "lines")


def test_transparent_pixels_are_missing(images: ImageSet) -> None:
    photo = np.concatenate([images.images[0], np.full((16, 12, 1), 255, np.uint8)], axis=2)
    photo[3:9, 2:7, 3] = 0
    found = kind("masked", images).asked(photo)
    assert (found[3:9, 2:7] == 0).all() and (found[..., 3] == photo[..., 3]).all()
    with pytest.raises(NevoaError, match=r"no transparent pixels, so nothing of it is missing: erase what the model"):
        kind("masked", images).asked(images.images[0])


def test_gray_images_have_gray_pictures() -> None:
    gray = as_image_set(np.random.default_rng(0).integers(0, 256, (2, 8, 8), dtype=np.uint8))
    assert {name: kind(name, gray).channels for name in ("downscaled", "edges", "masked")} == dict.fromkeys(
        ("downscaled", "edges", "masked"), 2
    )
    coloured = np.zeros((8, 8, 4), np.uint8)
    assert kind("masked", gray).asked(coloured).shape == (8, 8, 2)


def test_several_are_a_list_or_an_array_of_them(images: ImageSet) -> None:
    gray, photo = kind("gray", images), images.images[0]
    for one in (photo, "photo.png", Path("photo.png"), Image.fromarray(photo)):
        assert len(gray.several(one)) == 1
    assert len(gray.several(images.images)) == 6
    assert len(gray.several([photo, "photo.png"])) == 2


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("nowhere.png", r"There is no file nowhere\.png"),
        ("broken.png", r"Cannot read broken\.png as an image: it is not an image of a known format"),
        (np.zeros((16, 12, 3)), r"An image must be uint8 \[H, W\] or \[H, W, C\] with 1 to 4 channels, not float64"),
        (np.zeros((16, 12, 5), np.uint8), r"with 1 to 4 channels, not uint8 \[16, 12, 5\]"),
        (7, "The image must be a path, as text or a pathlib.Path, not 7"),
    ],
)
def test_what_is_no_picture_is_refused(value: Any, said: str, images: ImageSet) -> None:
    Path("broken.png").write_text("x")
    for name in KINDS:
        with pytest.raises(NevoaError, match=said):
            kind(name, images).asked(value)


@pytest.mark.parametrize(
    ("name", "detail", "said"),
    [
        ("downscaled", "", "downscaled needs a factor that divides 16x12: 2, 4, as in --condition downscaled:2"),
        ("downscaled", "3", "divides 16x12: 2, 4"),
        ("downscaled", "x", "divides 16x12: 2, 4"),
        ("downscaled", "2:", "takes a deviation of noise from 0 to 255, as in --condition downscaled:2:20"),
        ("downscaled", "2:0.1", "takes a deviation of noise from 0 to 255"),
        ("downscaled", "4:256", "takes a deviation of noise from 0 to 255"),
        ("gray", "2", "The condition gray takes nothing after a colon: write --condition gray"),
        ("masked", "half", "The condition masked takes nothing after a colon"),
    ],
)
def test_a_picture_that_cannot_be_made_is_refused(name: str, detail: str, said: str, images: ImageSet) -> None:
    assert KINDS[name][0].found(images, None) is None
    with pytest.raises(NevoaError, match=said):
        KINDS[name][0].found(images, detail)


def test_images_that_have_no_factor_or_are_gray_are_refused() -> None:
    with pytest.raises(NevoaError, match="No whole factor divides 9x7: choose another --size for downscaled"):
        Downscaled.found(as_image_set(np.zeros((2, 9, 7), np.uint8)), "2")
    with pytest.raises(NevoaError, match="images is gray, so a gray picture would be the image itself: train on"):
        Gray.found(as_image_set(np.zeros((2, 8, 8), np.uint8)), "")
    with pytest.raises(ValueError, match="factor must divide 16x12, and 3 does not"):
        PicturePlan(kind="downscaled", channels=3, height=16, width=12, factor=3)
