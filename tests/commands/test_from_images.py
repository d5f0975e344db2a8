"""Models that start from images."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from nevoa.commands.from_images import inpainting, interpolation, variations
from nevoa.commands.opening import started
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.sampling import DDIM, ImageNoise, Past, Transition
from nevoa.sampling.sampler import Draw
from nevoa.sampling.start import Process
from tests.formats.small_models import CLASSES, small_model
from tests.small_runs import updated

SHAPE = (3, 16, 16)


@pytest.fixture
def model() -> Model:
    return small_model(shape=SHAPE, classes=CLASSES, sampling={"sampler": "dpm_solver", "steps": 5})


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm_solver", "heun"])
def test_known_pixels_are_bit_equal(model: Model, sampler: Any) -> None:
    mask = np.zeros((16, 16), bool)
    mask[4:9, 3:] = True
    images = inpainting(model, picture(), mask).sample(3, sampler=sampler, steps=3)
    assert (images[:, ~mask] == picture()[~mask]).all()
    assert (images[:, mask] != picture()[mask]).any()


def test_a_mask_is_white_where_it_changes_and_transparent_or_black_where_it_stays(model: Model) -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:8] = 255  # opaque white above, transparent below
    images = inpainting(model, picture(), Image.fromarray(pixels)).sample(2, steps=2)
    assert (images[:, 8:] == picture()[8:]).all()
    assert (images[:, :8] != picture()[:8]).any()


def test_files_pictures_and_arrays_are_the_same(model: Model, tmp_path: Path) -> None:
    """A file of another size is resized and cropped."""
    Image.fromarray(picture()).save(tmp_path / "a.png")
    Image.fromarray(picture()).resize((48, 32), Image.Resampling.NEAREST).save(tmp_path / "large.png")
    expected = variations(model, picture(), 0.5).sample(2)
    for same in (tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(picture())):
        assert (variations(model, same, 0.5).sample(2) == expected).all()
    assert variations(model, tmp_path / "large.png").sample(1).shape == (1, 16, 16, 3)


def test_a_transparent_picture_has_the_background_of_the_training_images(model: Model) -> None:
    clear = Image.new("RGBA", (16, 16))
    black = replace(model, plan=updated(model.plan, "data", background="black"))
    for pictured, colour in ((model, "white"), (black, "black")):
        same = Image.new("RGB", (16, 16), colour)
        assert (variations(pictured, clear).sample(1) == variations(pictured, same).sample(1)).all()
        filled = [inpainting(pictured, one, np.eye(16) > 0).sample(1, steps=1) for one in (clear, same)]
        assert (filled[0] == filled[1]).all()


def test_a_distilled_model_is_not_asked_for_many_small_steps(model: Model) -> None:
    plan = model.plan.model_copy(update={"distilled_from": "runs/teacher"})
    distilled = replace(model, plan=updated(plan, "sampling", sampler="euler", steps=2))
    for edit in (interpolation, inpainting):
        with pytest.raises(NevoaError, match="use its teacher, runs/teacher"):
            edit(distilled, picture(), np.ones((16, 16), bool) if edit is inpainting else picture(1))
    second = distilled.timesteps(distilled.settings())[1] / model.plan.diffusion.timesteps
    variations(distilled, picture(), strength=second).sample(1)  # at one of its timesteps
    with pytest.warns(UserWarning, match="poor at any other timesteps"):
        variations(distilled, picture(), strength=second / 2).sample(1)


def test_an_edited_model_samples_like_any_other(model: Model) -> None:
    """Image n is the same for any count; options and labels apply."""
    edited = variations(model, picture(), strength=0.7)
    assert (edited.sample(3, labels=["dog"]) != edited.sample(3, labels=["cat"])).any()
    assert (edited.sample(1, seed=1) == edited.sample(4, seed=1)[:1]).all()


def test_a_variation_starts_at_its_strength_and_follows_the_grid(model: Model) -> None:
    edited = variations(model, picture(), strength=0.55)
    settings = edited.settings(sampler="euler", steps=10)
    assert edited.timesteps(settings) == [28, 25, 20, 15, 10, 5, 0]
    assert [state.t for state in edited.trajectory(1, sampler="euler", steps=10)] == edited.timesteps(settings)


@pytest.mark.parametrize("make", [interpolation, variations])
def test_no_state_remembers_how_it_was_computed(model: Model, make: Any) -> None:
    """A graph of all steps backwards would take as much memory as a training of as many layers."""
    given = (picture(), picture(1)) if make is interpolation else (picture(),)
    for state in make(model, *given).trajectory(2, steps=3):
        assert state.x_t.grad_fn is None


@pytest.mark.slow
@pytest.mark.parametrize("make", [variations, interpolation, inpainting])
def test_a_model_without_images_of_no_class_needs_labels(model: Model, make: Any) -> None:
    always = replace(model, plan=model.plan.model_copy(update={"null_label": False}))
    given = {variations: (), interpolation: (picture(1),), inpainting: (np.ones((16, 16), bool),)}[make]
    with pytest.raises(NevoaError, match="it needs a class or a prompt: give one"):
        make(always, picture(), *given).sample(1, steps=2)
    if make is not interpolation:
        assert make(always, picture(), *given).sample(1, steps=2, labels=[CLASSES[0]]).shape == (1, 16, 16, 3)


def test_a_start_takes_its_images_to_the_device_of_the_noise(model: Model) -> None:
    """`Model.to` leaves them where they were."""
    noise = ImageNoise(0, 0, 2, SHAPE, "meta")
    states = variations(model, picture()).start.states(
        Process(lambda options: model.denoiser(), {}, DDIM(), [5], noise, 0, 2)
    )
    assert next(states).x_t.device.type == "meta"


@pytest.mark.slow
def test_an_interpolation_begins_and_ends_near_its_images(model: Model) -> None:
    """As near as DDIM inverts the network, and nearer with more steps."""
    a, b = (model.sample(1, seed=seed, sampler="euler", clip=False)[0] for seed in (1, 2))
    between = interpolation(model, a, b, frames=5)

    def error(steps: int) -> float:
        frames = between.sample(5, steps=steps).astype(float)
        return abs(frames[0] - a).mean() + abs(frames[4] - b).mean()

    assert error(50) < error(5)
    middle = between.sample(5, steps=50)[2].astype(float)
    assert abs(middle - a).mean() > 5 < abs(middle - b).mean()


class Noisy(DDIM):
    """A sampler from outside that adds noise of its own."""

    def step(self, denoiser: Any, x_t: Tensor, t: int, s: int, noise: Draw, past: Past | None = None) -> Transition:
        x_s, x_0_hat = super().step(denoiser, x_t, t, s, noise, past)
        return Transition(x_s + noise(), x_0_hat)


def test_what_makes_no_sense_is_refused(model: Model, tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match="sampler must add no noise"):
        interpolation(model, picture(), picture(1)).sample(9, sampler="ddpm", steps=3)
    with pytest.raises(NevoaError, match="sampler must add no noise"):
        interpolation(model, picture(), picture(1)).sample(9, sampler="ddim", eta=0.5, steps=3)
    with pytest.raises(NevoaError, match="sampler must add no noise"):
        interpolation(model, picture(), picture(1)).sample(9, sampler=Noisy(), steps=3)
    with pytest.raises(NevoaError, match="strength must be above 0"):
        variations(model, picture(), strength=0)
    with pytest.raises(NevoaError, match="no white part, so"):
        inpainting(model, picture(), np.zeros((16, 16), bool))
    edge = np.arange(32) < 6
    with pytest.raises(NevoaError, match="no white part in its middle, to which nevoa crops it for images of 16x16"):
        inpainting(model, np.zeros((16, 32), np.uint8), np.tile(edge, (16, 1)))
    with pytest.raises(NevoaError, match="The mask is 16x9 pixels and the image 16x16"):
        inpainting(model, picture(), np.ones((9, 16), bool))
    with pytest.raises(NevoaError, match="has 9 frames, and you asked for 10 images: pass frames=10"):
        interpolation(model, picture(), picture(1)).sample(10, steps=2)
    for edited in (variations(model, picture()), interpolation(model, picture(), picture(1))):
        with pytest.raises(NevoaError, match="guidance takes something to guide to: give a class or a prompt"):
            edited.sample(1, guidance=3)
    with pytest.raises(NevoaError, match="frames must be a whole number from 2"):
        interpolation(model, picture(), picture(1), frames=1)
    with pytest.raises(NevoaError, match=r"uint8 \[H, W\]"):
        variations(model, picture().astype(float))
    with pytest.raises(NevoaError, match="There is no file"):
        variations(model, tmp_path / "none.png")


@pytest.mark.parametrize("name", ["interpolate", "blend"])
@pytest.mark.parametrize("ends", ["ab", ("a",), ("a", "b", "c")])
def test_what_leads_from_one_to_another_has_two_ends(model: Model, name: str, ends: Any) -> None:
    with pytest.raises(NevoaError, match=f"{name} must be two ends"):
        started(model, {name: ends})


@pytest.mark.parametrize("frames", [0, 1, -2])
def test_the_command_refuses_an_interpolation_without_its_ends(model: Model, tmp_path: Path, frames: int) -> None:
    paths = tmp_path / "a.png", tmp_path / "b.png"
    for seed, path in enumerate(paths):
        Image.fromarray(picture(seed)).save(path)
    with pytest.raises(NevoaError, match="frames must be a whole number from 2"):
        started(model, {"interpolate": paths, "frames": frames})
