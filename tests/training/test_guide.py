"""The guide of a model: kept on the way, and resumed like everything else."""

import hashlib
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import nevoa
import nevoa.training.state as state_module
from nevoa.config import Config, ModelPlan, parse
from nevoa.data import ImageSet, as_image_set
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.runs import Run, journal
from nevoa.runs.horizon import Horizon
from nevoa.training import Job, fit_job
from nevoa.training.guide import measured_weight
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState
from tests.small_runs import again, outcome, planned


def weights(network: torch.nn.Module | None) -> dict[str, torch.Tensor]:
    assert network is not None
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def test_the_guide_is_the_average_after_its_share_of_the_training(job: Job) -> None:
    """320 images in batches of 8: after a quarter, ten steps."""
    state = TrainingState.fresh(again(job, guide=0.24).plan, job.images.shape)
    averages = [weights(state.average) for _ in training_steps(state, job.images)]
    assert same(weights(state.guide), averages[9])
    assert not same(weights(state.guide), averages[8])


@pytest.mark.parametrize(("first", "then", "kept"), [(320, 240, 64), (320, 80, 48), (160, 640, 160)])
def test_a_horizon_that_moves_takes_the_guide_with_it(job: Job, first: int, then: int, kept: int) -> None:
    """After 40 images: to where its quarter lies ahead, is over, or is ahead again."""
    state = TrainingState.fresh(again(job, guide=0.25).plan, job.images.shape)
    state.horizon, averages = Horizon(first), dict[int, dict[str, torch.Tensor]]()
    for step in training_steps(state, job.images):
        averages[step.images_seen] = weights(state.average)
        if step.images_seen == 40:
            state.horizon = Horizon(then)
    assert same(weights(state.guide), averages[kept])


@pytest.fixture
def guided(job: Job) -> Job:
    """A training of 320 images whose guide is kept after 80."""
    return again(job, guide=0.25, accumulation=1, checkpoint_every_images=40)


@pytest.mark.parametrize("after", [5, 20])
def test_a_guided_run_that_was_stopped_ends_as_one_that_was_not(guided: Job, tmp_path: Path, after: int) -> None:
    """Before its guide was kept, and afterwards; until then its model samples alone."""
    straight, resumed = Run(tmp_path / "straight"), Run(tmp_path / "resumed")
    list(fit_job(guided, straight))
    stream = fit_job(guided, resumed)
    list(itertools.islice(stream, after))
    stream.close()
    model = resumed.model()
    assert (model.guide is not None, model.settings().autoguidance) == ((True, 1.5) if after > 10 else (False, 1.0))
    list(fit_job(guided, resumed))
    assert outcome(resumed) == outcome(straight)
    assert resumed.model().settings().autoguidance == 1.5
    assert "| guide | the average after 25% of that, at weight 1.5 |" in resumed.card_file.read_text()


def test_a_model_that_is_about_to_be_replaced_by_a_guided_one_opens_without(guided: Job, tmp_path: Path) -> None:
    """The plan is written before the weights: between the two, a reader finds the plan of one with a guide."""
    run, state = Run(tmp_path), guided.fresh_state()
    run.publish_model(state.model())
    before = run.weights_file.read_bytes()
    list(training_steps(state, guided.images))
    run.publish_model(state.model())
    run.weights_file.write_bytes(before)
    about = json.loads(run.model_config_file.read_text())
    run.model_config_file.write_text(json.dumps(about | {"before": hashlib.sha256(before).hexdigest()}))
    assert run.model().settings().autoguidance == 1
    assert len(run.model().sample(2)) == 2


def test_the_weights_of_a_guide_come_back(job: Job, tmp_path: Path) -> None:
    state = TrainingState.fresh(again(job, guide=0.5).plan, job.images.shape)
    list(training_steps(state, job.images))
    model, run = state.model(), Run(tmp_path)
    run.publish_model(model)
    found, alone = run.model("cpu"), replace(model, guide=None).sample(3)
    np.testing.assert_array_equal(found.sample(3, autoguidance=1), alone)
    np.testing.assert_array_equal(found.sample(3, autoguidance=9), model.sample(3, autoguidance=9))
    assert (found.sample(3, autoguidance=9) != alone).any()
    with pytest.raises(NevoaError, match="autoguidance needs a model with a guide"):
        replace(nevoa.load(), guide=None).settings(autoguidance=1.5)
    distilled = found.plan.model_copy(update={"distilled_from": "runs/teacher"})
    with pytest.raises(NevoaError, match="needs a model with a guide: that of the teacher is in the weights"):
        replace(found, plan=distilled, guide=None).settings(autoguidance=1.5)


class Gray(torch.nn.Module):
    """Estimates one gray, whatever it sees."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor(value))

    def forward(self, x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.value.expand_as(x_t)


@pytest.mark.parametrize("weight", [1.0, 1.5, 2.25, 3.0])
def test_the_measured_weight_is_the_one_that_makes_real_images(weight: float) -> None:
    """Estimates of 0.2 and of 0.0 are 0.2 weight together. The last of two steps is a guided one."""
    about = {"data": {}, "network": {"kind": "least"}, "diffusion": {"prediction": "x0", "schedule": "cosine"}}
    plan = parse(about | {"sampling": {"sampler": "euler", "steps": 2}}, ModelPlan)
    model = Model(plan, Gray(0.2), (1, 8, 8), guide=Gray(0.0))
    real = as_image_set(np.full((64, 8, 8), round(127.5 + 127.5 * 0.2 * weight), np.uint8))
    assert measured_weight(model, real, steps=2, count=4) == weight


def test_a_model_that_makes_no_images_keeps_its_weight(few_images: ImageSet) -> None:
    plan = parse({"data": {}, "network": {"kind": "least"}, "sampling": {"sampler": "euler"}}, ModelPlan)
    model = Model(plan, Gray(torch.nan), few_images.shape, guide=Gray(0.0))
    with pytest.warns(UserWarning, match="weight of the guide was not measured: The images became NaN"):
        assert measured_weight(model, few_images, steps=2, count=4) == 1.5


def test_one_image_weighs_no_guide(few_images: ImageSet) -> None:
    plan = parse({"data": {}, "network": {"kind": "least"}, "sampling": {"sampler": "euler"}}, ModelPlan)
    model = Model(plan, Gray(0.2), few_images.shape, guide=Gray(0.0))
    assert measured_weight(model, few_images.part(np.arange(1)), steps=2, count=4) == 1.5


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, int, int]]:
    """Each measurement of a weight: whether the model had a guide, the number of images, and the steps."""
    calls: list[tuple[bool, int, int]] = []

    def measure(model: Model, images: ImageSet, steps: int) -> float:
        calls.append((model.guide is not None, len(images), steps))
        return 2.25

    monkeypatch.setattr(state_module, "measured_weight", measure)
    monkeypatch.setattr(state_module, "AFTER_IMAGES", 160)
    return calls


def test_a_long_training_measures_the_weight_of_its_guide_once_at_its_end(
    guided: Job, tmp_path: Path, measured: list[tuple[bool, int, int]]
) -> None:
    """The plan keeps the weight of a model that is still training; a finished run that lost its model has it again."""
    job, run = again(guided, weigh_guide=True), Run(tmp_path / "run")
    list(itertools.islice(stream := fit_job(job, run), 39))
    stream.close()
    assert (run.model().settings().autoguidance, measured) == (1.5, [])
    list(fit_job(job, run))
    assert measured == [(True, len(job.images), job.plan.training.preview_steps)]
    assert (run.model().settings().autoguidance, run.plan().sampling.autoguidance) == (2.25, 1.5)
    assert "at weight 2.25 |" in run.card_file.read_text()
    assert [entry.autoguidance for entry in journal.read(run) if entry.event == "weighed"] == [2.25]
    run.weights_file.unlink()
    list(fit_job(job, run))
    assert (run.model().settings().autoguidance, len(measured)) == (2.25, 1)


def test_a_training_in_memory_measures_it_too(job: Job, measured: list[tuple[bool, int, int]]) -> None:
    *_, last = nevoa.fit(job.config.updated("training", guide=0.25), images=job.images)
    assert (last.model.settings().autoguidance, len(measured)) == (2.25, 1)


def test_a_training_that_is_short_or_has_a_weight_measures_none(
    guided: Job, tmp_path: Path, measured: list[tuple[bool, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    list(fit_job(guided, Run(tmp_path / "asked")))
    monkeypatch.setattr(state_module, "AFTER_IMAGES", 321)
    list(fit_job(again(guided, weigh_guide=True), Run(tmp_path / "short")))
    assert measured == []


def test_the_plan_measures_a_weight_unless_one_is_asked_for(tiny: Config, few_images: ImageSet) -> None:
    def decided(weight: float | None, guide: float = 0.25) -> tuple[float | None, bool]:
        config = tiny.updated("training", guide=guide, steps=1).updated("sampling", autoguidance=weight)
        made = planned(config, few_images)
        return made.sampling.autoguidance, made.training.weigh_guide

    assert decided(None) == (1.5, True)
    assert decided(1.5) == (1.5, False)
    assert decided(0.0) == (0.0, False)
    assert decided(None, guide=0.0) == (1.5, False)
