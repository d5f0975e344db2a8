"""A model makes images, and moving it does not move the original."""

import math
import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import nevoa
from nevoa.config import Config
from nevoa.data import labels_of
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.networks import fresh_network
from nevoa.pictures import png_bytes
from nevoa.sampling import DDIM
from tests.small_runs import model_plan, updated


@pytest.fixture
def model(tiny: Config) -> Model:
    return Model(model_plan(tiny), fresh_network(tiny.network, 1, classes=0, seed=0), (1, 8, 8))


def test_the_random_numbers_of_a_gpu_are_the_callers(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.manual_seed would seed those of every device, and nothing restores them."""
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("seeded"))
    before = torch.get_rng_state()
    fresh_network(tiny.network, 1, classes=0, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_moving_a_model_leaves_the_original_where_it_is(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Module, "to", lambda network, device: network.double())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    moved = model.to("cuda")
    assert moved.device == "cuda"
    assert {parameter.dtype for parameter in moved.network.parameters()} == {torch.float64}
    assert {parameter.dtype for parameter in model.network.parameters()} == {torch.float32}
    assert model.to("cpu") is model


def test_image_n_is_the_same_whatever_the_count(model: Model) -> None:
    np.testing.assert_array_equal(model.sample(5, seed=1)[:2], model.sample(2, seed=1))


@pytest.mark.slow
@pytest.mark.parametrize(("side", "together"), [(28, 256), (64, 256), (128, 64), (1024, 1)])
def test_large_images_are_made_fewer_at_a_time(model: Model, side: int, together: int) -> None:
    """So that memory stays the same: as many pixels as of 256 images of 64x64."""
    assert replace(model, shape=(3, side, side)).images_at_once == together


def test_labels_are_classes_in_turn() -> None:
    assert list(labels_of(["cat", "dog"])) == [0, 1]
    assert list(labels_of(["cat", "dog"], ["dog", 0])) == [1, 0]
    with pytest.raises(NevoaError, match="knows no classes"):
        labels_of([], ["dog"])


def test_a_conditional_model_without_a_condition_uses_the_null_label() -> None:
    """With guidance 0 the condition does not count: both ways give the same."""
    model = nevoa.load()
    x_t, t, label = torch.randn(3, 1, 28, 28), torch.full((3,), 500), torch.tensor([1, 2, 3])
    with torch.no_grad():
        torch.testing.assert_close(model.denoiser()(x_t, t), model.denoiser(condition=label, guidance=0.0)(x_t, t))
        different = model.denoiser(condition=label)(x_t, t)
    assert not torch.allclose(different.x_0, model.denoiser()(x_t, t).x_0)


@pytest.mark.slow
def test_a_notebook_displays_a_model_by_its_images() -> None:
    """An image of each class, in few steps, with the random state of the process as it was."""
    model = nevoa.load(device="cpu")
    before = torch.random.get_rng_state()
    png = model._repr_png_()
    assert png is not None
    images = model.sample(10, sampler="dpm_solver", steps=10)
    assert png == png_bytes(nevoa.show(images, model.classes))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_distilled_model_is_displayed_in_its_own_steps(model: Model) -> None:
    """In others it is poor, and says so."""
    plan = model.plan.model_copy(update={"distilled_from": "runs/teacher"})
    distilled = replace(model, plan=updated(plan, "sampling", sampler="euler", steps=2, spacing="angle"))
    assert distilled._repr_png_() == png_bytes(nevoa.show(distilled.sample(16)))
    with pytest.warns(UserWarning, match=r"in 2 steps.*use its teacher, runs/teacher"):
        distilled.sample(1, steps=7)
    with pytest.warns(UserWarning, match="in 2 steps of euler, and"):
        distilled.sample(1, sampler="ddpm", steps=2, spacing="angle")
    with warnings.catch_warnings(action="error"):
        distilled.sample(1, sampler="euler", steps=2, spacing="angle")
        distilled.sample(1, sampler=DDIM(), steps=2, spacing="angle")
    model.sample(1, steps=7)


def test_a_model_is_shown_in_one_line(model: Model) -> None:
    size = r"[\d,]+ parameters, 28x28 with 1 channel"
    assert re.fullmatch(rf"Model\(residual, {size}, 10 classes, cpu\)", repr(nevoa.load(device="cpu")))
    assert repr(model).endswith("8x8 with 1 channel, unconditional, cpu)")


class Broken(nn.Module):
    """Returns one value that is no number."""

    def __init__(self, value: float):
        super().__init__()
        self.value = value

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        output = x_t.clone()
        output[-1, 0, 0, 0] = self.value
        return output


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_network_that_returns_no_numbers_makes_no_black_images(model: Model, value: float) -> None:
    with pytest.raises(NevoaError, match=r"NaN or infinite in the step from timestep 20\. Try clip=True"):
        replace(model, network=Broken(value)).sample(2, clip=False)


def test_a_broken_model_displays_nothing() -> None:
    assert replace(nevoa.load(device="cpu"), network=torch.nn.Linear(1, 1))._repr_png_() is None


@pytest.mark.parametrize("labels", ["Bag", 8, np.int64(8), np.array([8]), np.array(["bag"]), torch.tensor([8]), ("8",)])
def test_one_class_may_be_given_as_a_name_a_number_or_an_array(labels: Any) -> None:
    model = nevoa.load(device="cpu")
    drawn = model.sample(np.int64(2), seed=np.int64(1), steps=np.int64(1), labels=labels)
    np.testing.assert_array_equal(drawn, model.sample(2, seed=1, steps=1, labels=["Bag"]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": True}, "count must be a whole number from 1 to 1,000,000,000, not True"),
        ({"count": 0}, "count must be a whole number"),
        ({"count": 10**20}, "count must be a whole number"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"labels": np.float64(3.5)}, "labels must be classes by name or index"),
    ],
)
def test_an_argument_of_another_type_or_range_is_explained(given: dict[str, Any], message: str) -> None:
    """No steps are wasted on it, and nothing is silently rounded or read as something else."""
    model = nevoa.load(device="cpu")
    arguments: dict[str, Any] = {"count": 1, "steps": 1} | given
    with pytest.raises(NevoaError, match=message):
        model.sample(**arguments)
    with pytest.raises(NevoaError, match=message):
        next(model.trajectory(**arguments))


def test_conditions_and_devices_are_checked_too(model: Model) -> None:
    with pytest.raises(NevoaError, match="first must be a whole number from 0"):
        model.condition(1, first=-1)
    with pytest.raises(NevoaError, match="This machine has no gpu device"):
        model.to("gpu")
    assert model.to(torch.device("cpu")) is model
