"""Everything is settled once, and what was built to measure is gone before training starts."""

import gc
import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nevoa
from nevoa.config import Config
from nevoa.config.presets import configure
from nevoa.data import ImageSet, Notes, as_image_set, load_images
from nevoa.errors import NevoaError
from nevoa.networks import ResidualUNet
from nevoa.runs import Run
from nevoa.training import Forecast, Job, Planned, plan, planning, prepare
from nevoa.training import job as job_module
from nevoa.training.budget import total_seconds
from nevoa.training.measure import Trial
from tests.conftest import TINY
from tests.small_runs import planned, replanned


def networks_alive() -> int:
    gc.collect()
    return sum(isinstance(thing, ResidualUNet) for thing in gc.get_objects())


@pytest.mark.slow
def test_the_network_that_was_measured_is_gone(tiny: Config) -> None:
    """A job and its plan hold no network; training holds two: the network and its average."""
    open_steps = configure("fashion_mnist_10k", minutes=0.02, options=(*TINY, "training.ema_decay=0.9"))
    before = networks_alive()
    job = prepare(open_steps)
    Forecast.of(job)
    assert networks_alive() == before
    stream = nevoa.fit(tiny.updated("training", ema_decay=0.9))
    next(stream)
    assert networks_alive() == before + 2


@pytest.mark.slow
def test_a_job_loads_its_images_once(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def counted(data: object) -> ImageSet:
        calls.append(data)
        return load_images(data)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(job_module, "load_images", counted)
    job = prepare(tiny)
    Forecast.of(job)
    assert len(calls) == 1
    assert prepare(tiny, job.images).images is job.images


def test_compiling_is_timed_anew(tiny: Config, few_images: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan by the seconds of the uncompiled step would be wrong: on a GPU it is several times slower."""
    made = planned(tiny.updated("training", device="cpu", threads=1), few_images)
    monkeypatch.setattr(Trial, "seconds", lambda self: itertools.repeat(8.0 if self.plan.training.compile else 72.0))
    assert Trial(made, few_images).image_seconds == 9
    assert Trial(replanned(made, compile=True), few_images).image_seconds == 1


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "compiler_fault", lambda device: f"torch cannot compile for {device}.")


@pytest.mark.usefixtures("no_compiler")
def test_compiling_without_a_compiler_is_refused(tiny: Config, few_images: ImageSet) -> None:
    with pytest.raises(NevoaError, match=r"cannot compile for cpu\. .* train with -o training.compile=false"):
        plan(tiny.updated("training", compile=True), few_images)
    assert plan(tiny, few_images).plan.training.compile is False


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that is planned for, but computes nothing."""
    monkeypatch.setattr(planning, "choose_device", lambda wish: "cuda")
    monkeypatch.setattr(planning, "choose_precision", lambda device: "float32")
    monkeypatch.setattr(Trial, "check_memory", lambda self: None)
    monkeypatch.setattr(Trial, "image_seconds", 0.1)


@pytest.mark.usefixtures("gpu", "no_compiler")
def test_a_long_training_on_a_gpu_does_without_a_compiler(tiny: Config, few_images: ImageSet) -> None:
    long = tiny.updated("training", minutes=60, steps=None, preview_steps=2)
    with pytest.warns(UserWarning, match=r"cannot compile for cuda\. The training goes on, but slower"):
        made = plan(long, few_images, records=False).plan
    assert made.training.compile is False


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    ("minutes", "objective", "compiled"), [(60, "denoise", True), (9, "denoise", False), (60, "path", False)]
)
def test_a_long_training_on_a_gpu_is_compiled(
    tiny: Config, few_images: ImageSet, monkeypatch: pytest.MonkeyPatch, minutes: int, objective: str, compiled: bool
) -> None:
    """But not a distillation, which calls its networks in many ways."""
    monkeypatch.setattr(planning, "compiler_fault", lambda device: None)
    asked = {"minutes": minutes, "steps": None, "preview_steps": 2, "objective": objective, "start": "a model"}
    config = tiny.updated("diffusion", prediction="v").updated("training", **asked)
    assert plan(config, few_images, records=False).plan.training.compile is compiled


CUDA = {"device": "cuda", "precision": "float16", "threads": 3, "compile": True}


@pytest.fixture
def auto(tiny: Config) -> Config:
    return tiny.updated("training", device="auto", precision="auto", threads=None, compile=None)


def test_a_run_of_an_absent_device_resumes_on_another_and_says_so(
    auto: Config, few_images: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "devices", lambda: ("cpu",))
    monkeypatch.setattr(planning, "choose_device", lambda wish: "cpu")
    fresh = plan(auto, few_images).plan
    with pytest.warns(UserWarning, match="trained on cuda and continues on cpu"):
        on_cpu = plan(auto, few_images, recorded=Planned(replanned(fresh, **CUDA))).plan
    assert on_cpu == fresh


def test_a_run_stays_on_its_device_where_there_is_one(
    auto: Config, few_images: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = replanned(plan(auto, few_images).plan, **CUDA)
    monkeypatch.setattr(planning, "devices", lambda: ("cuda", "cpu"))
    monkeypatch.setattr(planning, "choose_device", lambda wish: wish)
    monkeypatch.setattr(Trial, "check_memory", lambda self: None)
    assert plan(auto, few_images, recorded=Planned(saved)).plan == saved


@pytest.mark.slow
def test_each_setting_that_differs_has_a_line(tiny: Config, few_images: ImageSet) -> None:
    recorded = Planned(plan(tiny, few_images).plan)
    with pytest.raises(NevoaError) as caught:
        plan(tiny.updated("training", seed=7, learning_rate=0.5), few_images, recorded=recorded)
    lines = str(caught.value).splitlines()
    assert "  training.seed: was 0, now 7" in lines
    assert len(lines) == 4


def test_the_costs_of_a_job_are_not_measured_twice(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trial, "seconds", lambda _: itertools.repeat(0.5))
    costs = Trial(job.plan, job.images).costs
    monkeypatch.setattr(Trial, "seconds", lambda _: pytest.fail("measured twice"))
    assert Forecast.of(replace(job, costs=costs)).image_seconds == costs.image == 0.5 / 8


def test_the_held_out_loss_is_in_the_time_of_a_run(tiny: Config, few_images_file: Path, tmp_path: Path) -> None:
    """Once for each preview: four evaluations of each image that chooses the model, and of as many others."""
    config = tiny.updated("data", source=str(few_images_file), holdout=6)
    job = prepare(config, run=Run(tmp_path / "run"))
    costs = Trial(job.plan, job.images).costs
    assert costs.held_out == pytest.approx(3 * 2 * 4 * costs.image / 2)
    without = total_seconds(job.plan.training, replace(costs, held_out=0.0))
    previews = math.ceil(job.plan.training.images / job.plan.training.preview_every_images)
    assert total_seconds(job.plan.training, costs) == pytest.approx(without + previews * costs.held_out)
    assert Trial(prepare(config.updated("data", holdout=0)).plan, job.images).costs.held_out == 0


@pytest.mark.slow
def test_the_config_of_a_run_trains_the_same_again(tiny: Config, tmp_path: Path) -> None:
    """`--config` with a run's own config.toml plans anew, from what was asked."""
    losses = [step.loss for step in nevoa.fit(tiny, tmp_path / "first")]
    config = configure(config=tmp_path / "first" / "config.toml")
    assert config == tiny
    assert [step.loss for step in nevoa.fit(config, tmp_path / "second")] == losses


@pytest.mark.parametrize("source", ["object:images", "photos/"])
def test_the_config_of_images_in_memory_says_that_they_are_as_they_were_given(source: str) -> None:
    options = (*TINY, "data.limit=4", "data.size=32", "data.channels=3", "data.holdout=4", "data.background=black")
    images = as_image_set(np.zeros((20, 8, 8), np.uint8))
    data = plan(configure(source, steps=1, options=options), images).plan.data
    assert (data.source, data.limit, data.size, data.channels, data.holdout) == ("object:images", None, None, None, 0)
    assert data.background == "white"


def test_images_that_were_loaded_before_are_in_memory(tiny: Config, few_images: ImageSet) -> None:
    loaded = replace(few_images, notes=Notes(source="photos/"))
    assert plan(tiny.updated("data", source="object:noise"), loaded).plan.data.source == "object:noise"


def test_images_whose_classes_are_unsettled_need_none(tiny: Config, few_images: ImageSet) -> None:
    images = replace(few_images, classes=(), notes=Notes(unsettled="They lie at different depths."))
    for wanted in ("class", "auto"):
        with pytest.raises(NevoaError, match="noise: They lie at different depths"):
            prepare(tiny.updated("training", condition=wanted), images)
    assert prepare(tiny, images).plan.classes == ()


def test_a_conditional_model_of_images_without_classes_is_refused_with_an_option_that_every_command_has(
    tiny: Config, few_images: ImageSet
) -> None:
    with pytest.raises(NevoaError, match=r"noise has no classes.* set training\.condition=none"):
        prepare(tiny.updated("training", condition="class"), replace(few_images, classes=()))


@pytest.mark.parametrize(("asked", "images", "steps"), [("auto", 599_992, 7), ("auto", 600_000, 10), (4, 600_000, 4)])
def test_a_model_of_a_long_training_takes_more_sampling_steps(
    tiny: Config, few_images: ImageSet, asked: int | str, images: int, steps: int
) -> None:
    config = tiny.updated("sampling", steps=asked)
    made = plan(config.updated("training", steps=images // 8), few_images).plan
    assert (made.training.images, made.sampling.steps, made.training.preview_steps) == (images, steps, min(steps, 7))
    longer = plan(config.updated("training", steps=100_000), few_images, recorded=Planned(made)).plan
    assert longer.sampling == made.sampling


@pytest.mark.parametrize(("image_seconds", "steps"), [(1.9e-4, 10), (2e-4, 7)])
def test_minutes_are_as_long_as_their_images(
    tiny: Config, few_images: ImageSet, monkeypatch: pytest.MonkeyPatch, image_seconds: float, steps: int
) -> None:
    monkeypatch.setattr(Trial, "image_seconds", image_seconds)
    config = tiny.updated("sampling", steps="auto").updated("training", minutes=2, steps=None)
    assert plan(config, few_images, records=False).plan.sampling.steps == steps
    few = plan(config.updated("diffusion", timesteps=5), few_images, records=False).plan
    assert few.sampling.steps == 5


def test_steps_for_photographs_were_measured_after_short_trainings_only() -> None:
    assert (configure("shapes").sampling.steps, configure("photos/", "photos").sampling.steps) == ("auto", 7)
