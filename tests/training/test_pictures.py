"""A model that learns from pictures that are made of its images, and that its runs keep every promise."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import nevoa
from nevoa.conditions import conditions_of
from nevoa.config import Config, PicturePlan
from nevoa.data import ImageSet, as_image_set, to_bytes
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.runs import Run
from nevoa.training import Wish, fit_job, prepare, starting_from
from nevoa.training.loop import training_steps
from tests.small_runs import first_batch, job_of, outcome, state_of
from tests.training.test_training import LEARNER

ALL = "downscaled:4", "gray", "edges", "masked"


@pytest.fixture(scope="module")
def images() -> ImageSet:
    """Quarters of an image in colours of their own, with lines, so that none is its own mirror image."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (64, 2, 2, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    pixels[:, 3, :6] = 0
    return as_image_set(pixels)


@pytest.fixture
def config(tiny: Config) -> Config:
    fixed = {
        "device": "cpu",
        "threads": 1,
        "compile": False,
        "preview_steps": 2,
        "condition": ALL,
        "label_dropout": 0.0,
    }
    return tiny.updated("training", **fixed)


def test_pictures_are_made_of_the_images_as_the_network_sees_them(config: Config, images: ImageSet) -> None:
    """Mirrored where they are."""
    state = state_of(config.updated("data", augment="flip"), images)
    batch, kinds = first_batch(state, images), conditions_of(state.plan).kinds
    assert isinstance(batch.condition, Mapping) and [*batch.condition] == [*ALL]
    pixels = to_bytes(batch.x_0)
    whole = {one.tobytes() for one in images.images}
    mirrored = [one.tobytes() not in whole for one in pixels]
    assert any(mirrored) and not all(mirrored)
    seen, zeros = as_image_set(pixels), np.zeros(len(pixels))
    for name in ("downscaled:4", "gray", "edges"):
        expected = kinds[name].tensor(kinds[name].values(seen, np.arange(len(pixels)), zeros))
        assert torch.equal(batch.condition[name], expected)
    known = batch.condition["masked"][:, -1:] == 1
    assert torch.equal(batch.condition["masked"][:, :-1], torch.where(known, batch.x_0, 0.0))


def test_a_picture_of_the_data_stays_with_its_image(config: Config, images: ImageSet) -> None:
    """Mirrored as it is; and a run learns pairs by itself, but not classes of them."""
    paired = as_image_set(images.images, pictures=255 - images.images)
    auto = config.updated("training", condition="auto")
    state = state_of(auto.updated("data", augment="flip"), paired)
    assert [*state.plan.conditions] == ["picture"]
    batch = first_batch(state, paired)
    assert isinstance(batch.condition, Mapping)
    torch.testing.assert_close(batch.condition["picture"][:, :-1], -batch.x_0)
    whole = {one.tobytes() for one in images.images}
    mirrored = [one.tobytes() not in whole for one in to_bytes(batch.x_0)]
    assert any(mirrored) and not all(mirrored)
    with pytest.raises(
        NevoaError, match=r"no classes, .* It has pairs: leave class out, or make classes of their fold"
    ):
        state_of(config.updated("training", condition="class"), paired)


def test_a_picture_that_is_withheld_is_none(config: Config, images: ImageSet) -> None:
    state = state_of(config.updated("training", label_dropout=0.9), images)
    condition = first_batch(state, images).condition
    assert isinstance(condition, Mapping)
    for tensor in condition.values():
        missing = (tensor == 0).flatten(1).all(1)
        assert bool(missing.any())
        assert bool((tensor[~missing, -1] == 1).flatten(1).any(1).all())


@pytest.mark.slow
def test_a_run_with_pictures_that_was_stopped_ends_as_one_that_was_not(
    config: Config, images: ImageSet, tmp_path: Path
) -> None:
    job = job_of(config.updated("training", condition=("masked", "downscaled:2"), label_dropout=0.2), images)
    whole, parts = Run(tmp_path / "whole"), Run(tmp_path / "parts")
    list(fit_job(job, whole))
    stream = fit_job(job, parts)
    next(stream)
    stream.close()
    list(fit_job(job, parts))
    assert outcome(parts) == outcome(whole)
    opened, photo = parts.model(), images.images[0]
    asked = {"condition": {"downscaled:2": photo}, "guidance": {"downscaled:2": 2.0}}
    np.testing.assert_array_equal(
        opened.sample(2, **asked),  # pyright: ignore[reportArgumentType]
        whole.model().sample(2, **asked),  # pyright: ignore[reportArgumentType]
    )
    with pytest.raises(NevoaError, match="knows the pictures masked and downscaled:2: say which, as in --condition"):
        opened.sample(2, picture=photo)


@pytest.mark.slow
@pytest.mark.parametrize("part", [np.s_[:, :4, :4], np.s_[..., :1]])
def test_a_run_is_not_resumed_on_images_of_another_shape(
    part: object, config: Config, images: ImageSet, tmp_path: Path
) -> None:
    config, run = config.updated("training", condition="downscaled:2"), Run(tmp_path)
    *_, _ = fit_job(job_of(config, images), run)
    others = as_image_set(images.images[part])  # pyright: ignore[reportArgumentType, reportCallIssue]
    with pytest.raises(NevoaError, match=r"The run in this folder has other settings:\n(.*\n)*  data\.fingerprint"):
        prepare(config, others, run=run)


@pytest.mark.slow
def test_a_preview_has_a_row_for_each_picture_that_begins_with_it(
    config: Config, images: ImageSet, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run")
    list(fit_job(job_of(config.updated("training", condition="downscaled:4"), images), run))
    drawn = np.asarray(Image.open(run.previews()[-1]))
    scale, gap = 10, 2
    assert drawn.shape == (6 * (8 * scale + gap) + gap, 7 * (8 * scale + gap) + gap, 3)
    first = drawn[gap : gap + 80, gap : gap + 80][scale // 2 :: scale, scale // 2 :: scale]
    means = images.images[0].reshape(2, 4, 2, 4, 3).mean((1, 3))
    assert abs(first - means.repeat(4, 0).repeat(4, 1)).max() <= 0.5


@pytest.mark.parametrize("name", ["gray", "downscaled:4"])
def test_a_picture_that_a_model_knows_is_learned_further(config: Config, images: ImageSet, name: str) -> None:
    state = state_of(config.updated("training", condition=name), images)
    options = ["training.compile=false", "training.batch_size=8"]
    further = nevoa.configure(
        "object:images", steps=1, start=starting_from(state.model()), device="cpu", options=options
    )
    plan = prepare(further, images, Wish(start=state.model())).plan
    assert plan.conditions == state.plan.conditions
    assert isinstance(plan.conditions[name], PicturePlan)


@pytest.fixture(scope="module")
def model(images: ImageSet) -> Model:
    """One that enlarges pictures of four pixels."""
    options = (*LEARNER, "data.size=8", "training.ema_decay=0.9", "training.condition=downscaled:4")
    state = state_of(nevoa.configure("shapes", steps=300, options=options), images)
    list(training_steps(state, images))
    return state.model()


@pytest.mark.slow
@pytest.mark.parametrize("guidance", [1.0, 1.5])
def test_new_images_are_as_the_picture_says(model: Model, images: ImageSet, guidance: float) -> None:
    """Nearer to theirs than to that of the next; without one they are of any kind."""
    pictures = images.images[:4, ::4, ::4].repeat(2, 0)
    made = model.sample(8, sampler="ddim", steps=10, picture=pictures, guidance=guidance).astype(float)
    small = made.reshape(8, 2, 4, 2, 4, 3).mean((2, 4))
    own, other = (np.abs(small - wanted).mean() for wanted in (pictures, np.roll(pictures, 2, 0)))
    assert own < 0.4 * other
    free = model.sample(8, sampler="ddim", steps=10).reshape(8, 2, 4, 2, 4, 3).mean((2, 4))
    assert np.abs(free - pictures).mean() > 2 * own
