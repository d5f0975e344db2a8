"""Models that enlarge the images of another one, or a picture of any size."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nevoa import model as models
from nevoa.commands import enlarging
from nevoa.commands.enlarging import cascade, upscaling
from nevoa.config.condition import NumberPlan, PicturePlan
from nevoa.errors import NevoaError
from nevoa.model import Model
from tests.formats.small_models import CLASSES, small_model

SAMPLING = {"sampler": "dpm_solver", "steps": 3}


def big_model(
    *others: NumberPlan, channels: Any = 3, classes: tuple[str, ...] = (), sampler: str = "dpm_solver"
) -> Model:
    """It enlarges 4x8 to 8x16."""
    picture = PicturePlan(kind="downscaled", channels=channels, height=8, width=16, factor=2)
    conditions = {"downscaled": picture.model_dump()} | {f"number:{one.name}": one.model_dump() for one in others}
    sampling = SAMPLING | {"sampler": sampler}
    return small_model(shape=(channels, 8, 16), classes=classes, conditions=conditions, sampling=sampling)


def small_of(classes: tuple[str, ...] = (), shape: Any = (3, 4, 8), **conditions: Any) -> Model:
    return small_model(shape=shape, classes=classes, conditions=conditions, sampling=SAMPLING)


def photo(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("sampler", ["dpm_solver", "ddpm"])
def test_a_picture_of_the_small_size_is_enlarged_as_by_the_model_itself(sampler: str) -> None:
    model, picture = big_model(sampler=sampler), photo(4, 8)
    large = upscaling(model, picture)
    np.testing.assert_array_equal(large.sample(3, seed=5), model.sample(3, seed=5, picture=picture))
    for found, wanted in zip(large.trajectory(1), model.trajectory(1, picture=picture), strict=True):
        assert found.t == wanted.t and bool((found.x_0_hat == wanted.x_0_hat).all())


@pytest.mark.parametrize("size", [(4, 8), (9, 8), (7, 21), (2, 30), (1, 1), (3, 5)])
def test_a_picture_of_any_size_is_enlarged_as_many_times(size: tuple[int, int]) -> None:
    large = upscaling(big_model(), photo(*size))
    assert large.sample(1).shape == (1, 2 * size[0], 2 * size[1], 3)
    assert [state.x_0_hat.shape[2] for state in large.trajectory(1)] == [2 * size[0]] * 4


def test_windows_take_the_timesteps_of_their_own_size() -> None:
    """Those of the whole image begin with more noise than the model has learned."""
    model = big_model()
    states = upscaling(model, photo(40, 40)).trajectory(1, spacing="shifted")
    assert [state.t for state in states] == model.timesteps(model.settings(spacing="shifted"))


def test_a_small_picture_is_the_corner_of_it_mirrored() -> None:
    picture = photo(3, 5)
    mirrored = picture[[0, 1, 2, 1]][:, [0, 1, 2, 3, 4, 3, 2, 1]]
    made = upscaling(big_model(), picture).sample(1)
    np.testing.assert_array_equal(made, upscaling(big_model(), mirrored).sample(1)[:, :6, :10])


def test_the_result_does_not_depend_on_how_many_windows_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    large = upscaling(big_model(), photo(7, 21))
    whole = large.sample(2, steps=1)
    monkeypatch.setattr(models, "IMAGES_AT_ONCE", 6)
    monkeypatch.setattr(models, "LARGEST_AT_ONCE", 8 * 16)
    assert abs(large.sample(2, steps=1).astype(int) - whole).max() <= 1


def test_each_part_follows_its_part_of_the_picture() -> None:
    """A change in the right corner below leaves the far corner as it was, and the same noise makes the rest of it."""
    picture = photo(16, 40)
    changed = picture.copy()
    changed[-2:, -2:] = 255 - changed[-2:, -2:]
    before, after = (upscaling(big_model(), one).sample(1, steps=1)[0] for one in (picture, changed))
    assert (before != after)[-4:, -4:].any()
    np.testing.assert_array_equal(before[:20, :60], after[:20, :60])


def test_pictures_are_files_images_and_arrays_and_have_the_channels_of_the_model(tmp_path: Any) -> None:
    gray, clear = photo(6, 9, 1), np.dstack([photo(6, 9), np.zeros((6, 9), np.uint8)])
    wanted = upscaling(big_model(), gray.repeat(3, 2)).sample(1, steps=1)
    Image.fromarray(gray[..., 0]).save(tmp_path / "gray.png")
    for same in (gray, gray[..., 0], Image.fromarray(gray[..., 0]), tmp_path / "gray.png"):
        np.testing.assert_array_equal(upscaling(big_model(), same).sample(1, steps=1), wanted)
    white = upscaling(big_model(), np.full((6, 9, 3), 255, np.uint8)).sample(1, steps=1)
    np.testing.assert_array_equal(upscaling(big_model(), clear).sample(1, steps=1), white)
    assert upscaling(big_model(channels=1), photo(6, 9)).sample(1, steps=1).shape == (1, 12, 18, 1)


def test_all_windows_are_asked_what_the_picture_shows() -> None:
    model, picture = big_model(NumberPlan(name="age", low=0, high=9), classes=CLASSES), photo(4, 8)
    asked: dict[str, Any] = {"labels": "dog", "numbers": {"age": 3}, "guidance": {"class": 3}}
    wanted = model.sample(2, picture=picture, **asked)
    np.testing.assert_array_equal(upscaling(model, picture).sample(2, **asked), wanted)
    assert (upscaling(model, picture).sample(2) != wanted).any()
    with pytest.raises(NevoaError, match="A picture is enlarged with one class: give one"):
        upscaling(model, picture).sample(2, labels=["dog", "cat"])
    with pytest.raises(NevoaError, match="asked for downscaled already: leave that out"):
        upscaling(model, picture).sample(1, condition={"downscaled": picture})


def test_what_cannot_be_enlarged_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NevoaError, match=r"This model cannot enlarge pictures: use one .* --condition downscaled:N"):
        upscaling(small_of(), photo(4, 8))
    with pytest.raises(NevoaError, match=r"There is no file nothing\.png"):
        upscaling(big_model(), "nothing.png")
    with pytest.raises(NevoaError, match=r"An image must be uint8"):
        upscaling(big_model(), np.zeros((4, 8)))
    monkeypatch.setattr(enlarging, "MOST_PIXELS", 1_000_000)
    with pytest.raises(NevoaError, match="Enlarged 2 times, the picture would have 4 million pixels, and 1 million"):
        upscaling(big_model(), np.zeros((1000, 1000), np.uint8))


def test_a_cascade_enlarges_each_image_of_the_small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    small, big = small_of(), big_model()
    both = cascade(small, big, steps=2)
    pictures = small.sample(5, seed=3, steps=2)
    wanted = big.sample(5, seed=3, picture=pictures, sampler="ddim", steps=4)
    np.testing.assert_array_equal(both.sample(5, seed=3, sampler="ddim", steps=4), wanted)
    monkeypatch.setattr(models, "IMAGES_AT_ONCE", 3)
    monkeypatch.setattr(models, "LARGEST_AT_ONCE", 8 * 16)
    np.testing.assert_array_equal(both.sample(5, seed=3, sampler="ddim", steps=4), wanted)


def test_both_models_are_asked_for_what_both_know() -> None:
    """A class by its name: the big model has them in another order."""
    small, picture = small_of(CLASSES, **{"number:age": NumberPlan(name="age", low=0, high=9).model_dump()}), "picture"
    big = big_model(classes=CLASSES[::-1])
    asked: dict[str, Any] = {"labels": [1, 0], "numbers": {"age": 3}, "guidance": {"class": 2}}
    shown: dict[str, Any] = {picture: small.sample(4, **asked), "labels": ["dog", "cat"]}
    np.testing.assert_array_equal(cascade(small, big, **asked).sample(4), big.sample(4, **shown))
    np.testing.assert_array_equal(
        cascade(small, big_model(), **asked).sample(4), big_model().sample(4, picture=shown[picture])
    )


def test_a_model_of_classes_makes_all_in_turn_and_says_so_to_the_big_one() -> None:
    small, big = small_of(CLASSES), big_model(classes=CLASSES)
    wanted = big.sample(4, picture=small.sample(4), labels=CLASSES)
    np.testing.assert_array_equal(cascade(small, big).sample(4), wanted)
    assert (big.sample(4, picture=small.sample(4)) != wanted).any()


def test_models_that_do_not_fit_are_refused() -> None:
    big = replace(big_model(), place="runs/big")
    with pytest.raises(NevoaError, match="This model cannot enlarge pictures"):
        cascade(small_of(), small_of())
    for shape, named in (((3, 8, 16), "8x16 with 3 channels"), ((1, 4, 8), "4x8 with 1 channel:")):
        with pytest.raises(NevoaError, match=f"runs/big enlarges images of 4x8 with 3 channels, and .* of {named}"):
            cascade(small_of(shape=shape), big)
    with pytest.raises(NevoaError, match="This model knows no conditions: it cannot be asked for prompts"):
        cascade(small_of(), big, prompt="a cat")
    with pytest.raises(NevoaError, match="runs/big is asked for the same: There is no class 'cat'"):
        cascade(small_of(CLASSES), replace(big_model(classes=("dog",)), place="runs/big"))
    with pytest.raises(NevoaError, match="asked for class already: leave that out"):
        cascade(small_of(CLASSES), big_model(classes=CLASSES)).sample(1, condition={"class": "dog"})
