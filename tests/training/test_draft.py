"""A plan in the making has what was asked, and stand-ins for what a measurement decides."""

from dataclasses import replace

import numpy as np
import pytest
from torch import Tensor, nn

from nevoa.config import Config, Plan, configure
from nevoa.data import ImageSet, Notes, as_image_set
from nevoa.errors import NevoaError
from nevoa.objects import NAMES, Objects
from nevoa.sampling.options import AUTOGUIDANCE
from nevoa.training.by_size import SMALL_BATCH, network_for
from nevoa.training.draft import REFERENCE, Draft, first
from tests.small_runs import planned

# x0 is trained on the loss of flow; every other prediction on its own.
LOSSES = {"x0": "flow", "flow": "simple"}


def draft_of(config: Config, images: ImageSet, was: Plan | None = None, start: Plan | None = None) -> Draft:
    decided = {"device": "cpu", "precision": "float32", "threads": 1, "start": None}
    return Draft.of(config, images, NAMES, was, start).training(**decided)


def test_what_was_asked_is_what_is_planned(tiny: Config, few_images: ImageSet) -> None:
    tiny = tiny.updated("diffusion", prediction="v")
    plan = draft_of(tiny, few_images).plan()
    assert plan.network == tiny.network
    assert plan.diffusion.model_dump() == tiny.diffusion.model_dump()
    assert plan.sampling.model_dump() == tiny.sampling.model_dump() | {"autoguidance": AUTOGUIDANCE}
    assert plan.training.learning_rate == tiny.training.learning_rate
    assert plan.data.fingerprint == few_images.fingerprint


def test_only_what_is_left_open_is_open(tiny: Config, few_images: ImageSet) -> None:
    assert draft_of(tiny.updated("data", augment="flip"), few_images).open == frozenset()
    assert draft_of(tiny, few_images).open == {"augment"}
    config = tiny.updated("network", dim="auto").updated("training", batch_size="auto")
    draft = draft_of(config, few_images)
    assert draft.open == {"dim", "batch_size", "augment"}
    assert draft.plan().network.model_dump()["dim"] == REFERENCE
    assert draft.batch_size == draft.plan().training.batch_size == SMALL_BATCH
    assert draft.width(24).plan().network.model_dump()["dim"] == 24


def test_a_run_that_is_resumed_leaves_nothing_open(tiny: Config, few_images: ImageSet) -> None:
    was = planned(tiny, few_images)
    config = tiny.updated("network", dim="auto").updated("training", batch_size="auto")
    draft = Draft.of(config, few_images, NAMES, was)
    assert draft.open == frozenset()
    assert draft.tables["network"] == was.network.model_dump()
    assert draft.batch_size == was.training.batch_size


def test_only_classes_can_be_drawn_evenly(tiny: Config, few_images: ImageSet) -> None:
    config = tiny.updated("data", balance=True)
    assert draft_of(config, few_images).plan().data.balance
    with pytest.raises(NevoaError, match="has no classes to draw evenly: leave out --balance"):
        draft_of(config, as_image_set(np.zeros((4, 8, 8, 1), np.uint8)))


@pytest.mark.parametrize(("height", "width", "patch"), [(64, 64, 2), (32, 128, 2), (65, 64, 4), (128, 128, 4)])
def test_larger_images_have_larger_patches(tiny: Config, height: int, width: int, patch: int) -> None:
    images = as_image_set(np.zeros((4, height, width, 1), np.uint8))
    config = tiny.updated("network", patch="auto")
    draft = draft_of(config, images)
    assert draft.open == {"augment"}
    assert draft.plan().network.model_dump()["patch"] == patch
    downscaled = config.updated("training", condition=("downscaled:2",))
    if height % 2 == 0:
        assert draft_of(downscaled, images).plan().network.model_dump()["patch"] == 2
    was = planned(tiny.updated("network", patch=8), images)
    assert Draft.of(config, images, NAMES, was).tables["network"]["patch"] == 8  # a run keeps its own


@pytest.mark.parametrize(
    ("side", "condition", "patch", "multipliers", "batch"),
    [
        (28, "none", 2, (1, 2), 32),
        (64, "downscaled:2", 2, (1, 2), 32),
        (96, "downscaled:2", 2, (1, 2), 14),
        (128, "none", 4, (1, 2), 32),
        (128, "downscaled:2", 2, (1, 2), 8),
        (132, "gray", 2, (1, 2, 2), 8),
        (132, "edges", 4, (1, 2), 32),
        (256, "downscaled:4", 2, (1, 2, 2), 8),
        (1024, "none", 4, (1, 2, 2, 2), 32),
    ],
)
def test_the_size_decides_patches_stages_and_batches(
    side: int, condition: str, patch: int, multipliers: tuple[int, ...], batch: int
) -> None:
    """The middle has at most 32x32 positions; and where a picture says a part of the image, a batch of more than eight
    images has at most the pixels of 32 images of 64x64."""
    images = as_image_set(np.zeros((4, side, side, 3), np.uint8))
    plan = draft_of(configure(images.name, steps=1, condition=condition), images).plan()
    network = plan.network.model_dump()
    assert (network["patch"], network["multipliers"]) == (patch, multipliers)
    assert network["attention"] == (False,) * len(multipliers)
    assert plan.training.batch_size == batch


def test_a_run_of_another_network_does_not_mix_with_what_is_asked(few_images: ImageSet) -> None:
    """So that resuming it lists what differs."""
    quick = configure(few_images.name, steps=1)
    was = draft_of(quick, few_images).plan()
    other = configure(few_images.name, steps=1, options=["network.multipliers=[1, 2, 2]"])
    assert Draft.of(other, few_images, NAMES, was).tables["network"]["attention"] == (False, False, False)
    other = configure(few_images.name, steps=1, options=["network.attention=[true, false, false]"])
    assert Draft.of(other, few_images, NAMES, was).tables["network"]["multipliers"] == (1, 2, 2)
    classic = draft_of(configure(few_images.name, "classic", steps=1), few_images).plan()
    network = Draft.of(quick, few_images, NAMES, classic).tables["network"]
    assert network["multipliers"] == (1, 2) and network["kind"] == "residual"


def test_only_open_keys_of_a_network_are_chosen() -> None:
    """Those of a plugin's network may mean something else."""
    own = {"patch": (2, 2), "multipliers": 4, "attention": None}
    assert network_for((3, 64, 64), own, details=False) == own


def test_stages_that_are_given_are_kept(few_images: ImageSet) -> None:
    """And have no attention, unless that is given, too."""
    config = configure(few_images.name, steps=1, options=["network.multipliers=[1, 2, 4]"])
    plan = draft_of(config, few_images).plan()
    assert plan.network.model_dump()["attention"] == (False, False, False)
    with pytest.raises(NevoaError, match="attention needs 3 values"):
        draft_of(config.updated("network", attention=(True,)), few_images)


def test_attention_that_is_given_has_a_stage_for_each_value(few_images: ImageSet) -> None:
    config = configure(few_images.name, steps=1, options=["network.attention=[false, true, false]"])
    network = draft_of(config, few_images).plan().network.model_dump()
    assert (network["multipliers"], network["attention"]) == ((1, 2, 2), (False, True, False))
    own = configure(few_images.name, "ddpm-cifar10", steps=1, options=["network.multipliers=auto"])
    assert draft_of(own, few_images).plan().network == configure(few_images.name, "ddpm-cifar10", steps=1).network


@pytest.mark.parametrize(
    ("channels", "patch", "dim", "prediction"),
    [(3, 2, 16, "x0"), (3, 2, 32, "flow"), (1, 2, 16, "flow"), (3, 4, 48, "x0"), (3, 1, 4, "x0"), (3, 1, 8, "flow")],
)
def test_a_network_that_is_too_narrow_for_the_noise_of_a_patch_predicts_x0(
    channels: int, patch: int, dim: int, prediction: str
) -> None:
    images = as_image_set(np.zeros((4, 16, 16, channels), np.uint8))
    wide = configure(images.name, options=[f"network.patch={patch}", "network.dim=auto", "training.batch_size=2"])
    draft = draft_of(wide, images)
    plan = draft.width(dim).plan()
    assert (plan.diffusion.prediction, plan.training.weighting) == (prediction, LOSSES[prediction])
    asked = {"flow": "x0", "x0": "flow"}[prediction]
    draft = draft_of(wide.updated("diffusion", prediction=asked), images)
    plan = draft.width(dim).plan()
    assert (plan.diffusion.prediction, plan.training.weighting) == (asked, LOSSES[asked])


@pytest.mark.parametrize(
    ("condition", "consistent"),
    [("downscaled:4", True), ("downscaled:4:20", False), ("gray", True), ("masked", True), ("edges", False)],
)
def test_a_network_predicts_x0_and_keeps_what_a_picture_says_of_it(condition: str, consistent: bool) -> None:
    """Unless it predicts something else: that of the user, or of the run or the model that goes on."""
    images = as_image_set(np.zeros((4, 16, 16, 3), np.uint8))
    wide = configure(images.name, condition=condition, options=["network.dim=32", "training.batch_size=2"])
    plan = draft_of(wide, images).plan()
    assert plan.diffusion.prediction == ("x0" if consistent else "flow")
    assert plan.pictures[condition].consistent == consistent
    flow = draft_of(wide.updated("diffusion", prediction="flow"), images).plan()
    assert not flow.pictures[condition].consistent and flow.diffusion.prediction == "flow"
    again = draft_of(wide, images, flow).plan()
    assert not again.pictures[condition].consistent and again.diffusion.prediction == "flow"
    further = draft_of(wide.updated("diffusion", prediction="x0"), images, start=flow).plan()
    assert not further.pictures[condition].consistent


def test_a_network_that_projects_nothing_predicts_what_it_did_without_pictures() -> None:
    class Plain(nn.Module):
        def forward(self, x: Tensor, t: Tensor, condition: dict[str, Tensor]) -> Tensor:
            return x

    images = as_image_set(np.zeros((4, 16, 16, 3), np.uint8))
    config = configure(images.name, condition="gray", options=["training.batch_size=2"])
    draft = Draft.of(config, images, Objects(network=Plain()), None)
    plan = draft.training(device="cpu", precision="float32", threads=1, start=None).plan()
    assert plan.diffusion.prediction == "flow" and not plan.pictures["gray"].consistent


def test_images_with_texts_are_trained_on_more_where_there_is_much_noise(few_images: ImageSet) -> None:
    """A run that is resumed keeps its timesteps."""
    auto = configure(few_images.name, options=["network.dim=4", "training.batch_size=2"])
    plain = draft_of(auto, few_images).plan()
    described = replace(few_images, captions=(("a letter",),) * len(few_images))
    told = draft_of(auto, described).plan()
    assert plain.training.timestep_distribution == "log_normal"
    assert told.training.timestep_distribution == "log_normal_tail"
    was = planned(auto.updated("training", timestep_distribution="log_normal"), described)
    assert Draft.of(auto, described, NAMES, was).recipe["timestep_distribution"] == "log_normal"


def test_a_run_that_is_resumed_keeps_its_prediction(tiny: Config, few_images: ImageSet) -> None:
    was = planned(tiny.updated("diffusion", prediction="x0"), few_images)
    draft = Draft.of(tiny.updated("diffusion", prediction="auto"), few_images, NAMES, was)
    assert draft.training(**dict(was.training)).plan().diffusion == was.diffusion


@pytest.mark.parametrize(
    ("wish", "classes"), [("class", ("a", "b", "c", "d")), ("none", ()), ("auto", ("a", "b", "c", "d"))]
)
def test_a_network_gets_the_classes_that_are_asked_for(
    wish: str, classes: tuple[str, ...], tiny: Config, few_images: ImageSet
) -> None:
    assert draft_of(tiny.updated("training", condition=wish), few_images).classes == classes


def test_folders_that_give_no_classes_are_refused_by_their_reason(tiny: Config, few_images: ImageSet) -> None:
    images = replace(few_images, classes=(), notes=Notes(unsettled="They lie at different depths."))
    with pytest.raises(NevoaError, match=r"^noise: They lie at different depths\.$"):
        draft_of(tiny.updated("training", condition="class"), images)


def test_the_first_value_that_is_decided() -> None:
    assert first(None, "auto", 0, 1) == 0
    assert first(None, "auto") is None
