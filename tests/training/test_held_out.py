"""The loss on images set aside, while training."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

import nevoa
from nevoa.data import Notes
from nevoa.diffusion.denoiser import Denoiser
from nevoa.model import Model
from nevoa.runs import Run, Summary
from nevoa.runs.manifest import BEST
from nevoa.training import fit_job, held_out, prepare, show_progress
from nevoa.training.held_out import HeldOut, memorises_since
from nevoa.training.job import Job
from nevoa.training.recorder import report_before
from tests.small_runs import outcome, state_of, stop_after

KEYS = {"training_loss", "held_out_loss"}


def lines(*losses: float | None) -> list[dict[str, float | None]]:
    return [{"images_seen": 100 * (i + 1), "held_out_loss": loss} for i, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("losses", "since"),
    [
        ((), None),
        ((0.5,), None),
        ((0.5, 0.4, 0.3), None),
        ((0.5, 0.3, 0.31), None),  # once may be chance
        ((0.5, 0.3, 0.31, 0.302), None),
        ((0.5, 0.3, 0.31, None, 0.32), 200),
        ((0.5, 0.3, 0.31, 0.32, 0.29), None),
    ],
)
def test_it_has_turned_once_it_rose_twice_in_a_row(losses: tuple[float | None, ...], since: int | None) -> None:
    assert memorises_since(lines(*losses)) == since


@pytest.mark.parametrize(("batch", "interval"), [(128, 2000), (32, 2000), (8, 8), (7, 100), (100, 30)])
def test_the_report_before_is_known(batch: int, interval: int) -> None:
    due = [seen for seen in range(batch, 9000, batch) if seen // interval != (seen - batch) // interval]
    for before, seen in pairwise(due):
        assert report_before(seen, batch, interval) == before


def test_the_losses_are_those_of_the_weights_alone(job: Job) -> None:
    """Measuring twice gives the same, and the same images on both sides have the same loss."""
    state = state_of(job.config, job.images)
    same = HeldOut(job.images, job.images)
    first = same.losses(state)
    assert first == same.losses(state)
    assert first["training_loss"] == first["held_out_loss"] > 0


def test_they_weight_timesteps_as_the_training_does(job: Job) -> None:
    """An error of x_0 costs more as one of flow, and an error of flow the same."""
    same = HeldOut(job.images, job.images)

    def loss(prediction: str, weighting: str) -> float:
        config = job.config.updated("diffusion", prediction=prediction)
        return same.losses(state_of(config.updated("training", weighting=weighting), job.images))["held_out_loss"]

    assert loss("x0", "flow") > 2 * loss("x0", "simple")
    assert loss("flow", "flow") == loss("flow", "simple")


def test_they_are_computed_in_parts(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """128 images of 512x512 at once would take more memory than the training."""
    state, counted = state_of(job.config, job.images), list[int]()
    whole, loss = HeldOut(job.images, job.images).losses(state), Denoiser.loss

    def counting(self: Denoiser, x_0: Tensor, *arguments: Any, **options: Any) -> Tensor:
        counted.append(len(x_0))
        return loss(self, x_0, *arguments, **options)

    monkeypatch.setattr(Denoiser, "loss", counting)
    monkeypatch.setattr(Model, "images_at_once", 5)
    assert HeldOut(job.images, job.images).losses(state) == pytest.approx(whole)
    assert max(counted) == 5


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    path = tmp_path / "noise.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (60, 4, 4), dtype=np.uint8))
    return path


def config(noise: Path, steps: int) -> nevoa.Config:
    """A training that memorises 10 images of noise."""
    every = {f"{what}_every_images": 200 for what in ("report", "preview", "checkpoint")}
    keys = {"batch_size": 10, "threads": 1, "ema_decay": 0, "preview_steps": 1, "warmup_images": 0, **every}
    options = [f"training.{key}={value}" for key, value in keys.items()] + ["data.holdout=50", "network.dim=32"]
    return nevoa.configure(noise, steps=steps, options=options)


@pytest.mark.slow
def test_a_run_that_memorises_says_so(
    noise: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    wanted, run = config(noise, 240), Run(tmp_path / "run")
    job = prepare(wanted, run=run)
    *_, last = show_progress(fit_job(job, run), job.plan.training)
    with_losses = [line for line in run.metrics() if line.keys() >= KEYS]
    assert len(with_losses) == 240 * 10 // 200
    assert with_losses[-1]["held_out_loss"] > 1.1 * with_losses[-1]["training_loss"]
    assert last.memorises_since == memorises_since(run.metrics())
    assert last.memorises_since == Summary.of(run).model_images is not None
    assert f"memorising since {last.memorises_since:,}" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_that_was_interrupted_measures_the_same(
    noise: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    outcomes = []
    for name, stops in (("straight", ()), ("stopped", (23,))):
        for count in stops:
            stream = nevoa.fit(config(noise, 41), tmp_path / name)
            for _ in range(count):
                next(stream)
            stream.close()
        list(nevoa.fit(config(noise, 41), tmp_path / name))
        outcomes.append([json.dumps({key: line.get(key) for key in KEYS}) for line in Run(tmp_path / name).metrics()])
    assert outcomes[0] == outcomes[1]
    assert any("null" not in line for line in outcomes[0])


@pytest.mark.slow
def test_measuring_changes_nothing_in_the_training(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same run but for the losses and the model that they choose, with and without images set aside."""
    job = replace(job, plan=job.plan.model_copy(update={"data": job.plan.data.model_copy(update={"holdout": 20})}))
    aside = replace(job, images=replace(job.images, notes=Notes(held_out=20)))
    monkeypatch.setattr(held_out, "load_test_images", lambda data, images: images)
    found = []
    for name, one in (("with", aside), ("without", job)):
        stop_after(one, tmp_path / name, 10**6)
        found.append(outcome(Run(tmp_path / name)))
        kept, state = found[-1].pop(f"checkpoint/{BEST}", None), found[-1]["state"]
        assert (kept is None) == (name == "without")
        found[-1] |= {"state": {**state, "best": None}, "model": None}  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
    metrics = [[{**line} for line in each.pop("metrics")] for each in found]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
    assert found[0] == found[1]
    assert any(KEYS & line.keys() for line in metrics[0])
    assert [{k: v for k, v in line.items() if k not in KEYS} for line in metrics[0]] == metrics[1]
