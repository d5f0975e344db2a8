"""The guide of a model: kept on the way, resumed like everything else, and used at the weight that helps."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nevoa
from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.runs import Run, journal
from nevoa.runs.horizon import Horizon
from nevoa.runs.journal import Costs
from nevoa.training import Job, fit_job, guide, plan, planning
from nevoa.training.guide import Choice, choose
from nevoa.training.loop import training_steps
from nevoa.training.measure import Trial
from nevoa.training.state import TrainingState
from tests.small_runs import again, outcome


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
def quick_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A choice that takes no time: of a weight that depends on the weights of the guide."""

    def quick(model: Model, images: ImageSet) -> Choice:
        assert model.guide is not None
        return Choice(1.5, {1.0: float(next(model.guide.parameters()).sum()), 1.5: 0.0})

    monkeypatch.setattr(guide, "choose", quick)


@pytest.mark.usefixtures("quick_choice")
@pytest.mark.parametrize("after", [5, 20, 40])
def test_a_guided_run_that_was_stopped_ends_as_one_that_was_not(job: Job, tmp_path: Path, after: int) -> None:
    """Before its guide was kept, afterwards, and before the choice of the weight."""
    guided = again(job, guide=0.25, checkpoint_every_images=40)
    straight, resumed = Run(tmp_path / "straight"), Run(tmp_path / "resumed")
    *_, _ = fit_job(guided, straight)
    stream = fit_job(guided, resumed)
    list(itertools.islice(stream, after))
    stream.close()
    assert journal.status(resumed)[0] == "stopped"
    assert resumed.model().guide is None
    list(fit_job(guided, resumed))
    assert outcome(resumed) == outcome(straight)
    model = resumed.model()
    assert model.settings().autoguidance == 1.5
    assert "| guide | the average after 25% of that, weight 1.5" in resumed.card_file.read_text()
    assert next(entry.distances for entry in journal.read(resumed) if entry.event == "guided")[1.5] == 0.0


@pytest.mark.usefixtures("quick_choice")
def test_a_finished_run_gets_its_guide_back_with_a_damaged_model(job: Job, tmp_path: Path) -> None:
    run, guided = Run(tmp_path), again(job, guide=0.25)
    list(fit_job(guided, run))
    before = run.weights_file.read_bytes()
    run.weights_file.write_bytes(before[:-1] + b"\1")
    list(fit_job(guided, run))
    assert run.weights_file.read_bytes() == before
    assert run.model().settings().autoguidance == 1.5


@pytest.mark.parametrize("weight", [1.0, None])
def test_a_guide_that_does_not_help_is_left_out(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weight: float | None
) -> None:
    def found(model: Model, images: ImageSet) -> Choice:
        if weight is None:
            raise NevoaError("no finite images")
        return Choice(weight, {})

    monkeypatch.setattr(guide, "choose", found)
    with pytest.warns(UserWarning, match="has no guide: no finite") if weight is None else monkeypatch.context():
        list(fit_job(again(job, guide=0.25), Run(tmp_path)))
    assert Run(tmp_path).model().guide is None


def test_weights_that_a_guide_has_in_a_file_come_back(job: Job, tmp_path: Path) -> None:
    """At weight 0 the images are those of the guide, at 1 those of the network."""
    state = TrainingState.fresh(again(job, guide=0.5).plan, job.images.shape)
    list(training_steps(state, job.images))
    model, run = replace(state.model(), guide=state.guide), Run(tmp_path)
    run.publish_model(model)
    found = run.model("cpu")
    for network, weight in ((state.guide, 0), (state.average, 1)):
        assert network is not None
        alone = replace(model, network=network, guide=None).sample(3)
        np.testing.assert_array_equal(found.sample(3, autoguidance=weight), alone)
    with pytest.raises(NevoaError, match="autoguidance needs a model with a guide"):
        nevoa.load().settings(autoguidance=1.5)


class Painter(Model):
    """A model whose images are real ones, the noisier the further the weight is from the best."""

    best, images = 1.4, np.zeros(0)

    def sample(self, count: Any, seed: Any = 0, **options: Any) -> np.ndarray:
        noise = np.random.default_rng(0).normal(0, 80, (count, *self.images.shape[1:]))
        away = abs(options["autoguidance"] - self.best)
        return (self.images[:count] + away * noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("best", [0.9, 1.4, 1.9])
def test_the_weight_whose_images_are_closest_to_real_ones_is_chosen(
    job: Job, monkeypatch: pytest.MonkeyPatch, best: float
) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 8, 8, 1), np.uint8)
    pixels[:, :4] //= 4  # so that a turned image can be told
    for name, value in {"LEARNED_FROM": 60, "COMPARED_WITH": 60, "COUNT": 30}.items():
        monkeypatch.setattr(guide, name, value)
    state = TrainingState.fresh(job.plan, job.images.shape)
    painter = Painter(**vars(replace(state.model(), guide=state.average)))
    object.__setattr__(painter, "best", best)
    object.__setattr__(painter, "images", pixels)
    choice = choose(painter, ImageSet.of("x", pixels, np.zeros(60, np.int64), ()))
    assert choice.weight == min(guide.WEIGHTS, key=lambda weight: abs(weight - best))
    assert choice.distances[choice.weight] == min(choice.distances.values())


@pytest.mark.parametrize(("minutes", "kept"), [(1.0, 0.0), (10.0, 0.2)])
def test_a_run_has_a_guide_if_there_is_time_to_choose_its_weight(
    tiny: Config, monkeypatch: pytest.MonkeyPatch, minutes: float, kept: float
) -> None:
    """40 s are more than 15 % of a minute; the horizon leaves room for them."""
    images = ImageSet.of("x", np.zeros((2000, 8, 8, 1), np.uint8), np.zeros(2000, np.int64), ())
    monkeypatch.setattr(planning, "seconds_of_choice", lambda *_: 40.0)
    monkeypatch.setattr(Trial, "costs", Costs(0.01, 0.001, 4, 0.001, 1.0))
    asked = tiny.updated("training", steps=None, minutes=minutes, guide=0.2)
    decided, costs = plan(asked, images)
    assert decided.training.guide == kept
    assert costs is not None
    assert costs.end == (41.0 if kept else 1.0)
    assert plan(asked, images, records=False).plan.training.guide == 0
    few = ImageSet.of("x", images.images[:500], images.labels[:500], ())
    assert plan(asked, few).plan.training.guide == 0
