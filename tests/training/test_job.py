"""Everything is settled once, and what was built to measure is gone before training starts."""

import gc
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import nevoa
from nevoa.config import Config
from nevoa.config.presets import configure
from nevoa.data import ImageSet, Notes, as_image_set, load_images
from nevoa.errors import NevoaError
from nevoa.model import fresh_network
from nevoa.networks import ResidualUNet
from nevoa.training import Job, Plan, resolve
from nevoa.training.job import settle
from nevoa.training.loop import training_steps
from nevoa.training.profile import Profile
from nevoa.training.resume import resumed
from nevoa.training.state import TrainingState
from tests.conftest import TINY


def networks_alive() -> int:
    gc.collect()
    return sum(isinstance(thing, ResidualUNet) for thing in gc.get_objects())


def test_the_network_that_was_measured_is_gone(tiny: Config) -> None:
    """A job and its plan hold no network; training holds two: the network and its average."""
    open_steps = configure("fashion_mnist_10k", minutes=0.02, options=(*TINY, "training.ema_decay=0.9"))
    before = networks_alive()
    job = resolve(open_steps)
    Plan.of(job)
    assert networks_alive() == before
    stream = nevoa.fit(tiny.updated("training", ema_decay=0.9))
    next(stream)
    assert networks_alive() == before + 2


def test_a_job_loads_its_images_once(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def counted(data: object) -> ImageSet:
        calls.append(data)
        return load_images(data)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr("nevoa.training.job.load_images", counted)
    job = resolve(tiny)
    Plan.of(job)
    assert len(calls) == 1
    assert resolve(tiny, job.images).images is job.images


def test_compiling_is_timed_anew(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan by the seconds of the uncompiled step would be wrong: on a GPU it is several times slower."""
    config = tiny.updated("training", device="cpu", threads=1)
    profile = Profile(config, load_images(config.data))
    monkeypatch.setattr(Profile, "seconds", lambda self: itertools.repeat(1.0 if self.config.training.compile else 9.0))
    assert profile.step_seconds == 9
    profile.settle(compile=True)
    assert profile.step_seconds == 1


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nevoa.training.job.compiler_fault", lambda device: f"torch cannot compile for {device}.")


@pytest.mark.usefixtures("no_compiler")
def test_compiling_without_a_compiler_is_refused(tiny: Config) -> None:
    with pytest.raises(NevoaError, match=r"cannot compile for cpu\. .* train with -o training.compile=false"):
        resolve(tiny.updated("training", compile=True))
    assert resolve(tiny).config.training.compile is False


@pytest.mark.usefixtures("no_compiler")
def test_a_long_training_on_a_gpu_does_without_a_compiler(tiny: Config, few_images: ImageSet) -> None:
    long = tiny.updated("training", device="cuda", minutes=60, steps=7)
    profile = Profile(long, few_images)
    with pytest.warns(UserWarning, match=r"cannot compile for cuda\. The training goes on, but slower"):
        settle(profile, started=0.0, recorded=False)
    assert profile.config.training.compile is False


def test_a_long_training_on_a_gpu_is_compiled(
    tiny: Config, few_images: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nevoa.training.job.compiler_fault", lambda device: None)
    for minutes, compiled in ((60, True), (9, False)):
        profile = Profile(tiny.updated("training", device="cuda", minutes=minutes, steps=7), few_images)
        settle(profile, started=0.0, recorded=False)
        assert profile.config.training.compile is compiled
    distilling = tiny.training.model_copy(update={"device": "cuda", "minutes": 60, "objective": "path"})
    profile = Profile(tiny, few_images)
    profile.config = tiny.model_copy(update={"training": distilling})
    monkeypatch.setattr(Profile, "settle", lambda self, **values: settled.update(values))
    settled = dict[str, object]()
    settle(profile, started=0.0, recorded=False)
    assert settled["compile"] is False


def test_the_advice_for_an_unsettled_config_works(few_images: ImageSet) -> None:
    """Both errors name the same expression, and with it training runs."""
    config = configure("fashion_mnist_10k", epochs=1, options=(*TINY, "training.conditional=auto"))
    advice = r"use nevoa.training.resolve\(config\).config in place of config"
    with pytest.raises(NevoaError, match=advice):
        fresh_network(config, few_images.shape)
    unsettled = config.updated("training", conditional=False)
    with pytest.raises(NevoaError, match=advice):
        next(training_steps(TrainingState.fresh(unsettled, few_images.shape), few_images))
    settled = nevoa.training.resolve(config).config
    assert isinstance(fresh_network(settled, (1, 28, 28)), torch.nn.Module)


CUDA = {"device": "cuda", "precision": "float16", "threads": 3, "compile": True}


def test_a_run_of_an_absent_device_resumes_on_another_and_says_so(
    tiny: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nevoa.training.resume.devices", lambda: ("cpu",))
    saved, wanted = tiny.updated("training", **CUDA), tiny.updated("training", device="auto", precision="auto")
    with pytest.warns(UserWarning, match="trained on cuda and continues on cpu"):
        on_cpu = resumed(wanted, saved).training
    assert (on_cpu.device, on_cpu.precision, on_cpu.threads, on_cpu.compile) == ("cpu", "auto", None, None)


def test_a_run_stays_on_its_device_where_there_is_one(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nevoa.training.resume.devices", lambda: ("cuda", "cpu"))
    saved, wanted = tiny.updated("training", **CUDA), tiny.updated("training", device="auto", precision="auto")
    assert resumed(wanted, saved) == saved


def test_each_setting_that_differs_has_a_line(tiny: Config) -> None:
    with pytest.raises(NevoaError) as caught:
        resumed(tiny.updated("training", seed=7, learning_rate=0.5), tiny)
    lines = str(caught.value).splitlines()
    assert "  training.seed: was 0, now 7" in lines
    assert len(lines) == 4


def test_the_costs_of_a_job_are_not_measured_twice(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Profile(job.config, job.images)
    monkeypatch.setattr(Profile, "seconds", lambda _: itertools.repeat(0.5))
    costs = measured.costs
    monkeypatch.setattr(Profile, "seconds", lambda _: pytest.fail("measured twice"))
    plan = Plan.of(Job(job.config, job.images, costs=costs))
    assert plan.step_seconds == costs.step == 0.5


def test_the_config_of_a_run_reproduces_it(tiny: Config, tmp_path: Path) -> None:
    """`--config` with a run's own config.toml; other images are refused."""
    first = nevoa.fit(tiny, tmp_path / "first")
    losses = [step.loss for step in first]
    config = configure(config=tmp_path / "first" / "config.toml")
    assert [step.loss for step in nevoa.fit(config, tmp_path / "second")] == losses
    other = config.updated("data", limit=500)
    with pytest.raises(NevoaError, match=r"not those that this config was made for.*--accept-changes"):
        nevoa.fit(other, tmp_path / "third")
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize("source", ["object:images", "photos/"])
def test_the_config_of_images_in_memory_says_that_they_are_as_they_were_given(source: str) -> None:
    options = (*TINY, "data.limit=4", "data.size=32", "data.channels=3", "data.holdout=4", "data.background=black")
    images = as_image_set(np.zeros((20, 8, 8), np.uint8))
    data = resolve(configure(source, steps=1, options=options), images).config.data
    assert (data.source, data.limit, data.size, data.channels, data.holdout) == ("object:images", None, None, None, 0)
    assert data.background == "white"


def test_images_that_were_loaded_before_are_in_memory(tiny: Config, few_images: ImageSet) -> None:
    loaded = replace(few_images, notes=Notes(source="photos/"))
    assert resolve(tiny.updated("data", source="object:noise"), loaded).config.data.source == "object:noise"


def test_images_whose_classes_are_unsettled_need_none(tiny: Config, few_images: ImageSet) -> None:
    images = replace(few_images, classes=(), notes=Notes(unsettled="They lie at different depths."))
    for wanted in (True, "auto"):
        with pytest.raises(NevoaError, match="noise: They lie at different depths"):
            resolve(tiny.updated("training", conditional=wanted), images)
    assert resolve(tiny, images).config.classes == ()


def test_a_conditional_model_of_images_without_classes_is_refused_with_an_option_that_every_command_has(
    tiny: Config, few_images: ImageSet
) -> None:
    with pytest.raises(NevoaError, match=r"noise has no classes.* set training\.conditional=false"):
        resolve(tiny.updated("training", conditional=True), replace(few_images, classes=()))


def test_images_below_the_smallest_size_are_not_trained_on(tiny: Config) -> None:
    with pytest.raises(NevoaError, match="The images are 3x8; nevoa trains on 4x4 to 1024x1024: choose another --size"):
        resolve(tiny, as_image_set(np.zeros((20, 3, 8), np.uint8)))
