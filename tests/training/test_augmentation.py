"""A training whose images are augmented: the network is conditioned on how, and what it makes shows none of it."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nevoa.config import Config
from nevoa.config.augmentation import CONDITIONED, NUMBERS
from nevoa.config.names import AUGMENTATION
from nevoa.config.presets import configure
from nevoa.data import ImageSet, as_image_set
from nevoa.distillation import distill_config
from nevoa.errors import NevoaError
from nevoa.networks import fresh_network
from nevoa.objects import Objects
from nevoa.runs import Run
from nevoa.runs.run import load
from nevoa.training import Job, Wish, fit_job, plan, prepare, starting_from
from nevoa.training.held_out import HeldOut
from nevoa.training.loop import training_steps
from nevoa.training.resume import check_same
from nevoa.training.state import TrainingState
from tests.processes import together
from tests.small_runs import first_batch, job_of, outcome, state_of, stop_after
from tests.training.test_distributed import weights, with_training
from tests.training.test_training import LEARNER

ALL = sum(NUMBERS.values())


@pytest.fixture
def augmented(residual_job: Job) -> Job:
    """A job whose network is conditioned on all that is done to its images."""
    return job_of(residual_job.config.updated("data", augment=0.5), residual_job.images)


@pytest.mark.parametrize("condition", ["none", "class", ("class", "downscaled:2")])
def test_a_batch_tells_what_was_done_beside_what_it_is_asked(augmented: Job, condition: Any) -> None:
    job = with_training(augmented, condition=condition, label_dropout=0.5)
    state = job.fresh_state()
    batch = first_batch(state, job.images)
    assert isinstance(batch.condition, Mapping)
    assert [*batch.condition] == [*state.plan.kinds, AUGMENTATION]
    numbers = batch.condition[AUGMENTATION]
    assert numbers.shape == (len(batch.x_0), ALL) and numbers.any(1).sum() > 1


def test_zeros_add_nothing(augmented: Job) -> None:
    """To the bit: with zeros, with nothing, and by a network without the layer."""
    job = with_training(augmented, condition="class")
    labels, numbers = torch.tensor([0, 4]), torch.randn(2, ALL)
    x_t, t = torch.randn(2, *job.images.shape), torch.tensor([3, 20])
    config, shape, classes = job.plan.network, job.images.shape, len(job.plan.classes)
    network = fresh_network(config, shape[0], classes, 0, None, job.plan.learned).requires_grad_(False)
    plain = fresh_network(config, shape[0], classes, 0).requires_grad_(False)
    for parameter in network.parameters():
        parameter += 0.1
    plain.load_state_dict({name: own for name, own in network.state_dict().items() if AUGMENTATION not in name})
    expected = plain(x_t, t, labels)
    assert torch.equal(network(x_t, t, labels), expected)
    assert torch.equal(network(x_t, t, {"class": labels}), expected)
    assert torch.equal(network(x_t, t, {"class": labels, AUGMENTATION: torch.zeros(2, ALL)}), expected)
    assert not torch.equal(network(x_t, t, {"class": labels, AUGMENTATION: numbers}), expected)


@pytest.mark.slow
def test_an_augmented_run_resumes_bit_for_bit_and_makes_images(augmented: Job, tmp_path: Path) -> None:
    list(fit_job(augmented, Run(tmp_path / "whole")))
    list(stop_after(augmented, tmp_path / "stopped", 3))
    list(fit_job(augmented, Run(tmp_path / "stopped")))
    assert outcome(Run(tmp_path / "stopped")) == outcome(Run(tmp_path / "whole"))
    model = load(tmp_path / "whole")
    assert model.plan.kinds == () and model.network.get_parameter("time.augmentation.weight").any()
    assert model.sample(2, steps=2).shape == (2, 8, 8, 1)
    with pytest.raises(NevoaError, match="it cannot be asked for augmentation"):
        model.sample(2, condition={AUGMENTATION: [0.0]})


@pytest.mark.parametrize(
    ("names", "accepted"),
    [(CONDITIONED, True), (("flip", *CONDITIONED), True), (("mirror",), False), (("scale",), False)],
)
def test_a_run_keeps_the_transformations_that_its_network_knows(
    augmented: Job, names: tuple[str, ...], accepted: bool
) -> None:
    """Their chances may change; of others the numbers would mean something else."""
    was = augmented.plan
    now = was.model_copy(update={"data": was.data.model_copy(update={"augment": dict.fromkeys(names, 0.3)})})
    with nullcontext() if accepted else pytest.raises(NevoaError, match=r"data.augment"):
        check_same(was, now, accept_changes=True)


@pytest.mark.slow
def test_two_processes_augment_as_one(augmented: Job) -> None:
    job = with_training(augmented, steps=10, condition="class")
    assert together(2, weights, job) == [weights(with_training(job, threads=2))] * 2


def pointing(count: int = 64) -> ImageSet:
    """Images that are bright on the left and dark on the right."""
    pixels = np.zeros((count, 8, 8, 1), np.uint8)
    pixels[:, :, :4] = np.random.default_rng(0).integers(150, 256, (count, 1, 1, 1))
    return as_image_set(pixels)


def made_after(augment: Any) -> np.ndarray:
    """By how much the left side of images is brighter, of a model that was trained for some seconds."""
    small = "network.multipliers=[1]", "network.attention=[false]", "training.condition=none"
    options = (*LEARNER, *small, "training.ema_decay=0.9")
    config = configure("object:images", steps=150, options=options, augment=augment, device="cpu")
    images = pointing()
    state = state_of(config, images, threads=1)
    list(training_steps(state, images))
    made = state.model().sample(32, sampler="ddim", steps=10).astype(float)
    return made[:, :, :4].mean((1, 2, 3)) - made[:, :, 4:].mean((1, 2, 3))


@pytest.mark.slow
def test_what_the_network_is_conditioned_on_does_not_leak_and_the_rest_does() -> None:
    assert (made_after({"mirror": 0.5}) > 50).all()
    leaks = made_after({"flip": 0.5})
    assert (leaks > 50).any() and (leaks < -50).any()


@pytest.mark.slow
def test_images_for_measuring_are_not_augmented(augmented: Job) -> None:
    """The held-out loss is that of the images as they are."""
    images = replace(augmented.images, notes=replace(augmented.images.notes, held_out=4))
    seen, state = HeldOut(images, images), augmented.fresh_state()
    before = images.images.copy()
    found = seen.losses(state)
    np.testing.assert_array_equal(images.images, before)
    assert found["training_loss"] == found["held_out_loss"]
    plain = TrainingState.fresh(
        augmented.plan.model_copy(update={"data": augmented.plan.data.model_copy(update={"augment": {}})}),
        images.shape,
    )
    plain.average.load_state_dict(
        {name: own for name, own in state.average.state_dict().items() if AUGMENTATION not in name}
    )
    assert seen.losses(plain) == found


def test_a_training_from_an_augmented_model_begins_with_its_images(augmented: Job) -> None:
    """Whether it augments, alike or otherwise, or not."""
    state = augmented.fresh_state()
    for parameter in state.average.parameters():
        parameter += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    model = state.model()
    x_t, t = torch.randn(2, *model.shape), torch.tensor([1, 9])
    fixed = (
        "batch_size=4",
        "preview_steps=1",
        *(f"{name}_every_images=4" for name in ("report", "preview", "checkpoint")),
    )
    for augment in ("none", 0.5, "shift"):
        options = [f"training.{one}" for one in fixed]
        start = starting_from(model)
        config = configure("object:noise", steps=1, start=start, augment=augment, condition="none", options=options)
        began = prepare(config, augmented.images, Wish(start=model)).fresh_state().model()
        with torch.no_grad():
            assert torch.equal(began.network(x_t, t), model.network(x_t, t))
    assert (
        distill_config(
            replace(model, plan=augmented.plan.model_copy(update={"data": named(augmented)}))
        ).data.conditioned
        == {}
    )


def named(job: Job) -> Any:
    return job.plan.data.model_copy(update={"source": "shapes"})


class Conditioned(nn.Module):
    """A network that hears what was done."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.heard = nn.Conv2d(1, 1, 3, padding=1), list[Any]()

    def forward(self, x_t: Tensor, t: Tensor, condition: Any = None) -> Tensor:
        self.heard.append(condition)
        return self.convolution(x_t)


class Deaf(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.convolution(x_t)


def test_a_network_that_is_an_object_is_conditioned_or_refused(tiny: Config, few_images: ImageSet) -> None:
    config = tiny.updated("data", augment="strong", source="object:noise").updated("training", device="cpu")
    network = Conditioned()
    made = plan(config, few_images, Objects(network=network), records=False).plan
    assert network.heard[0] is None and network.heard[1][AUGMENTATION].shape == (2, ALL)
    state = TrainingState.fresh(made, few_images.shape, Objects(network=network))
    list(training_steps(state, few_images))
    heard: Any = state.network.heard
    assert heard[-1][AUGMENTATION].any()
    with pytest.raises(NevoaError, match=r"Deaf takes no condition, .* with --augment flip or --augment none"):
        plan(config, few_images, Objects(network=Deaf()), records=False)
    assert plan(config.updated("data", augment="flip"), few_images, Objects(network=Deaf()), records=False)
