"""A sweep measures what `evaluate` measures, for each set of sampling options."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nevoa.config import Config, SamplingConfig
from nevoa.errors import NevoaError
from nevoa.evaluation import Reference, sweep
from nevoa.evaluation.sweep import SWEEP
from nevoa.features.frechet import frechet_distance
from nevoa.model import Model
from tests.small_runs import model_plan


class Zero(nn.Module):
    """Predicts no noise at all."""

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return torch.zeros_like(x_t)


@pytest.fixture
def model() -> Model:
    return Model(model_plan(Config(sampling=SamplingConfig(sampler="ddim", steps=7))), Zero(), (1, 12, 12))


@pytest.mark.slow
def test_rows_are_what_the_model_makes(model: Model, reference: Reference) -> None:
    grid = (SWEEP[3], SWEEP[0])
    rows = list(sweep(model, reference, 150, grid=grid))
    assert [row.options for row in rows] == list(grid)
    images = model.sample(150, **grid[1])
    distance = frechet_distance(reference.feature_network.features(images), reference.features())
    assert rows[1].distance == pytest.approx(distance, rel=1e-6)


@pytest.mark.parametrize("foreign", [False, True])
def test_a_model_is_asked_for_what_its_own_images_show(
    foreign: bool, model: Model, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The labels of other images are those of other classes."""
    asked: list[object] = []
    monkeypatch.setattr(Model, "sample", lambda model, *_, **__: asked.append(model.like) or reference.train.images)
    list(sweep(model, replace(reference, foreign=foreign), 150, grid=SWEEP[:1]))
    assert (asked == [None]) is foreign


def test_too_few_images_are_refused_before_they_are_made(
    model: Model, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "trajectories", lambda *_, **__: pytest.fail("made images"))
    with pytest.raises(NevoaError, match="number of images is 100"):
        next(sweep(model, reference, 100))


def test_every_sampler_and_spacing_is_tried() -> None:
    assert {way.get("sampler") for way in SWEEP} == {"ddpm", "ddim", "dpm_solver"}
    assert {way.get("spacing") for way in SWEEP} == {"trailing", "leading", "log_snr", "karras"}


def test_options_override_the_configs_sampling(model: Model) -> None:
    assert model.settings().model_dump() == model.plan.sampling.model_dump() | {"autoguidance": 1.0}  # it has no guide
    assert model.settings(steps=3, eta=None).steps == 3
    assert model.settings(sampler="dpm_solver", spacing="log_snr").model_dump(include={"steps", "spacing"}) == {
        "steps": 20,
        "spacing": "log_snr",
    }
    assert model.settings(sampler="ddpm").steps == 1000


def test_settings_reach_the_sampler(model: Model) -> None:
    drawn = {
        name: model.sample(2, steps=5, **options)
        for name, options in {
            "ddim": {},
            "eta": {"eta": 1.0},
            "leading": {"spacing": "leading"},
            "solver": {"sampler": "dpm_solver"},
            "ddpm": {"sampler": "ddpm"},
        }.items()
    }
    assert not np.array_equal(drawn["ddim"], drawn["eta"])
    assert not np.array_equal(drawn["ddim"], drawn["leading"])
    np.testing.assert_array_equal(drawn["eta"], drawn["ddpm"])  # eta = 1 is ancestral with the small variance
