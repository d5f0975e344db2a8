"""Few images start from a model that comes with nevoa, and are augmented, where a config leaves both to nevoa."""

from collections import deque
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nevoa
from nevoa.config import Config, Plan, parse
from nevoa.data import ImageSet, as_image_set
from nevoa.errors import NevoaError
from nevoa.networks import build_network
from nevoa.objects import NAMES, Objects
from nevoa.runs import Run, packaged
from nevoa.training import Wish, fit_job, plan, prepare
from nevoa.training.draft import Draft
from nevoa.training.few import FEW, TIMES, augmentation_in_words, in_words, near_copies_in_words
from nevoa.training.job import repetition
from nevoa.training.measure import Trial
from nevoa.training.state import TrainingState
from tests.processes import together
from tests.small_runs import outcome, planned

OPEN: dict[str, Any] = {"training": {"start": "auto"}, "network": {"dim": "auto", "patch": "auto"}}
SETTINGS: list[dict[str, dict[str, Any]]] = [
    {"network": {"dim": 12}},
    {"network": {"multipliers": (1, 2), "attention": (False, False)}},
    {"network": {"dropout": 0.1}},
    {"diffusion": {"schedule": "linear"}},
    {"diffusion": {"prediction": "epsilon"}},
]


# All but mirror, which letters and clothes are not to be.
OTHERS = ["shift", "scale", "rotate", "squeeze", "colour"]


def colour(count: int, side: int = 8, channels: int = 3, **said: Any) -> ImageSet:
    pixels = np.random.default_rng(0).integers(0, 256, (count, side, side, channels), dtype=np.uint8)
    return as_image_set(pixels, **said)


def asking(config: Config, *tables: dict[str, dict[str, Any]]) -> Config:
    """The config with other values by section."""
    for table in tables:
        for section, values in table.items():
            config = config.updated(section, **values)
    return config


@pytest.fixture
def recipe(tiny: Config) -> Config:
    """The settings of the model to start from. Its network is narrower than the one that a timing would choose."""
    return asking(tiny, {"diffusion": {"prediction": "x0"}, "training": {"threads": 1, "device": "cpu"}})


@pytest.fixture
def often(recipe: Config) -> Config:
    """A training of 20 photographs that sees each more often than a model may see them as they are."""
    data = {"augment": "auto", "source": "photos/"}
    return asking(recipe, {"data": data, "training": {"steps": TIMES * 20 // 8 + 1, "batch_size": 8}})


@pytest.fixture
def drawings(recipe: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A model of images of 8x8 that comes with nevoa, of random weights."""
    run, images = Run(tmp_path / "packaged" / "drawings8"), colour(20)
    made, random = planned(recipe, images), torch.Generator().manual_seed(0)
    model = TrainingState.fresh(made, images.shape).model()
    for weight in model.network.parameters():  # fresh networks predict 0
        weight.data += 0.1 * torch.randn(weight.shape, generator=random)
    run.write(recipe, made)
    run.publish_model(model)
    monkeypatch.setattr(packaged, "FOLDER", run.folder.parent)
    return run


def test_few_images_start_from_the_model_of_their_size_at_its_width(recipe: Config, drawings: Run) -> None:
    config = asking(recipe, OPEN, {"diffusion": {"prediction": "auto"}})
    made = plan(config, colour(FEW - 1)).plan
    assert made.training.start == "drawings8"
    assert (made.network, made.diffusion) == (drawings.plan().network, drawings.plan().diffusion)
    assert plan(config, colour(FEW)).plan.training.start is None


@pytest.mark.usefixtures("drawings")
@pytest.mark.parametrize("settings", SETTINGS)
def test_another_network_or_process_begins_at_random(settings: dict[str, dict[str, Any]], recipe: Config) -> None:
    config, images = asking(recipe, OPEN, settings), colour(20)
    made = plan(config, images).plan
    assert made.training.start is None
    assert in_words(config.training, made, images) == (
        "random weights; drawings8, the model for few images, has another network or process than these settings"
    )


@pytest.mark.usefixtures("drawings")
@pytest.mark.parametrize("images", [colour(20, channels=1), colour(20, side=12)])
def test_images_of_another_size_or_in_gray_begin_at_random(images: ImageSet, recipe: Config) -> None:
    config = asking(recipe, OPEN)
    made = plan(config, images).plan
    assert made.training.start is None
    assert in_words(config.training, made, images) == (
        "random weights; nevoa has models to start from for few images of 8x8 in colour (--size)"
    )


@pytest.mark.usefixtures("drawings")
def test_an_object_begins_at_random(recipe: Config) -> None:
    network = build_network(recipe.network, 3, 0)
    assert plan(asking(recipe, OPEN), colour(20), Objects(network=network)).plan.training.start is None


@pytest.mark.usefixtures("drawings")
def test_the_recipe_is_the_one_that_was_asked_for(recipe: Config) -> None:
    """The low learning rate of `--from` is for a model that was trained on more."""
    began, random = (plan(asking(recipe, OPEN, {"training": {"start": start}}), colour(20)) for start in ("auto", None))
    assert began.plan.training.model_copy(update={"start": None}) == random.plan.training


@pytest.mark.usefixtures("drawings")
def test_a_plan_leaves_no_start_open(recipe: Config) -> None:
    made = plan(asking(recipe, OPEN), colour(20)).plan.model_dump()
    with pytest.raises(NevoaError, match=r"has the name of a model for training\.start"):
        parse({**made, "training": {**made["training"], "start": "auto"}}, Plan)


@pytest.mark.usefixtures("drawings")
def test_it_is_asked_for_or_does_not_happen(recipe: Config) -> None:
    for start in (None, "none"):
        assert plan(asking(recipe, {"training": {"start": start}}), colour(20)).plan.training.start is None


def test_without_such_a_model_nothing_is_different(
    recipe: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    config, images = asking(recipe, OPEN), colour(20)
    made = plan(config, images).plan
    assert made.training.start is None
    assert in_words(config.training, made, images) == ""


def test_training_begins_with_its_weights_and_learns_classes_anew(recipe: Config, drawings: Run) -> None:
    config = asking(recipe, OPEN, {"training": {"condition": "auto"}})
    images = colour(20, labels=["cat", "dog"] * 10)
    state = prepare(config, images).fresh_state()
    assert state.plan.classes == ("cat", "dog")
    model, network = drawings.model("cpu"), state.network.eval()
    x_t, t, label = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([1, 20]), 2
    with torch.no_grad():
        torch.testing.assert_close(network(x_t, t, torch.full_like(t, label)), model.network.eval()(x_t, t))


def test_what_is_said_of_it(recipe: Config, drawings: Run) -> None:
    config, images = asking(recipe, OPEN), colour(20)
    job = prepare(config, images)
    assert in_words(config.training, job.plan, images) == (
        "drawings8, which comes with nevoa, because 20 images are few (--from none: random weights)"
    )
    named = job.plan.model_copy(
        update={"training": job.plan.training.model_copy(update={"start": str(drawings.folder)})}
    )
    assert in_words(recipe.training, named, images) == "drawings8"


@pytest.mark.usefixtures("drawings")
def test_a_run_goes_on_as_it_began(recipe: Config, tmp_path: Path) -> None:
    """With the same images or, by request, with so many that a new run would begin at random."""
    config, images = asking(recipe, OPEN), colour(20)
    whole, parts = (Run(tmp_path / name) for name in ("whole", "parts"))
    deque(nevoa.fit(config, whole.folder, images=images), maxlen=0)
    deque(islice(fit_job(prepare(config, images, run=parts), parts), 7), maxlen=0)
    deque(nevoa.fit(config, parts.folder, images=images), maxlen=0)
    assert outcome(parts) == outcome(whole)
    assert (parts.config().training.start, parts.plan().training.start) == ("auto", "drawings8")
    assert "| start | drawings8 |" in parts.card_file.read_text()
    more = prepare(config, colour(FEW), Wish(accept_changes=True), parts)
    assert (more.plan.training.start, more.plan.network) == ("drawings8", parts.plan().network)


@pytest.mark.usefixtures("drawings")
def test_a_run_that_began_at_random_goes_on_at_random(recipe: Config, tmp_path: Path) -> None:
    """As one from before there was such a model."""
    config, images, run = asking(recipe, OPEN), colour(20), Run(tmp_path / "run")
    deque(nevoa.fit(asking(config, {"training": {"start": None}}), run.folder, images=images), maxlen=0)
    job = prepare(config, images, run=run)
    assert job.plan == run.plan()
    assert job.start is None


@pytest.mark.usefixtures("drawings")
def test_a_run_that_stopped_before_its_first_checkpoint_begins_with_the_same_weights(
    recipe: Config, tmp_path: Path
) -> None:
    config, images, run = asking(recipe, OPEN), colour(20), Run(tmp_path / "run")
    first = prepare(config, images, run=run)
    run.write(config, first.plan)
    run.checkpoints.mkdir()
    again = prepare(config, images, run=run)
    assert again.plan == first.plan
    assert first.start is not None and again.start is not None
    torch.testing.assert_close(dict(again.start), dict(first.start))


def test_a_run_is_repeated_by_its_plan(recipe: Config, drawings: Run, tmp_path: Path) -> None:
    file = tmp_path / "few.npz"
    np.savez(file, images=colour(20).images)
    first, again = Run(tmp_path / "first"), Run(tmp_path / "again")
    run = nevoa.fit(asking(recipe, OPEN, {"data": {"source": str(file)}}), first.folder)
    deque(run, maxlen=0)
    job = repetition(first.plan_file, again, drawings.model("cpu"))
    deque(fit_job(job, again), maxlen=0)
    assert outcome(again)["model"] == outcome(first)["model"]


def test_there_is_no_teacher_that_nevoa_chooses(recipe: Config) -> None:
    with pytest.raises(NevoaError, match="needs a model to learn from"):
        asking(recipe, OPEN, {"training": {"objective": "path"}})


def model_of(config: Config, folder: Path, out: Path) -> bytes:
    """The weights of a training, in a process that has models of a folder."""
    packaged.FOLDER = folder
    deque(nevoa.fit(config, out, images=colour(20)), maxlen=0)
    return Run(out).weights_file.read_bytes()


@pytest.mark.slow
def test_two_processes_start_from_it_as_one_does(recipe: Config, drawings: Run, tmp_path: Path) -> None:
    config, folder = asking(recipe, OPEN), drawings.folder.parent
    both = together(2, model_of, config, folder, tmp_path / "two")
    # Two threads round as the two processes do.
    assert both == [model_of(config.updated("training", threads=2), folder, tmp_path / "one")] * 2


@pytest.mark.parametrize(("source", "names"), [("photos/", ["mirror", *OTHERS]), ("fashion_mnist_10k", OTHERS)])
def test_images_that_are_seen_often_are_augmented(source: str, names: list[str], often: Config) -> None:
    made = plan(asking(often, {"data": {"source": source}}), colour(20)).plan
    assert made.data.augment == dict.fromkeys(names, 0.25)
    assert augmentation_in_words(often.data, made) == (
        "strong, because each image is seen 250 times (--augment none: images as they are)"
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"training": {"steps": TIMES * 20 // 8}},
        {"data": {"augment": "flip"}},
        {"data": {"augment": "none"}},
    ],
)
def test_otherwise_they_are_not(asked: dict[str, dict[str, Any]], often: Config) -> None:
    config = asking(often, asked)
    made = plan(config, colour(20)).plan
    assert made.data.conditioned == {}
    assert augmentation_in_words(config.data, made) == ""


@pytest.mark.parametrize(("image_seconds", "augmented"), [(0.01, True), (0.02, False)])
def test_the_minutes_say_how_often_images_are_seen(
    image_seconds: float, augmented: bool, often: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """6,000 images in a minute are more than 250 times 20, and 3,000 are not."""
    monkeypatch.setattr(Trial, "image_seconds", image_seconds)
    config = asking(often, {"training": {"steps": None, "minutes": 1}})
    assert bool(plan(config, colour(20)).plan.data.conditioned) is augmented


@pytest.mark.parametrize(
    ("settings", "is_open"),
    [({}, True), ({"start": "drawings8", "lora": 1}, False), ({"start": "drawings8", "objective": "path"}, False)],
)
def test_adapters_and_students_do_not_learn_what_was_done_to_an_image(
    settings: dict[str, Any], is_open: bool, often: Config
) -> None:
    """The first have no weights for it; the teacher of the others does not know it."""
    config = asking(often, {"diffusion": {"prediction": "v"}, "training": settings})
    assert ("augment" in Draft.of(config, colour(20), NAMES, None).open) is is_open


def test_a_network_of_ones_own_sees_images_as_they_are(often: Config) -> None:
    network = build_network(often.network, 3, 0)
    assert plan(often, colour(20), Objects(network=network)).plan.data.augment == {"flip": 0.5}


def test_a_run_that_is_trained_for_longer_augments_no_more_than_before(often: Config, tmp_path: Path) -> None:
    images, run = colour(20), Run(tmp_path / "run")
    deque(nevoa.fit(asking(often, {"training": {"steps": 1}}), run.folder, images=images), maxlen=0)
    assert prepare(often, images, run=run).plan.data == run.plan().data


def test_a_run_that_was_stopped_is_augmented_as_before(often: Config, tmp_path: Path) -> None:
    images, run = colour(20), Run(tmp_path / "run")
    deque(islice(fit_job(prepare(often, images, run=run), run), 2), maxlen=0)
    resumed = prepare(often, images, run=run).plan
    assert resumed == run.plan()
    assert resumed.data.conditioned


def test_what_was_done_to_an_image_is_learned(often: Config) -> None:
    assert "augmentation" in prepare(often, colour(20)).plan.learned


@pytest.mark.parametrize(
    ("count", "augment", "expected"),
    [
        (20, "flip", "56% of the images to be near copies, as in trials with 50 "),
        (99, "strong", "8% of the images to be near copies, as in trials with 50 "),
        (101, "strong", "2% of the images to be near copies, as in trials with 200 "),
        (FEW - 1, "none", "5% of the images to be near copies, as in trials with 500 "),
    ],
)
def test_few_images_are_expected_to_be_copied_as_in_the_trials(
    count: int, augment: str, expected: str, often: Config
) -> None:
    made = plan(asking(often, {"data": {"augment": augment}}), colour(count)).plan
    assert expected in near_copies_in_words(made)
    assert near_copies_in_words(plan(often, colour(FEW)).plan) == ""
