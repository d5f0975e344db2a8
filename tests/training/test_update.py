"""A loss or gradient that is not finite changes nothing, and a row of them ends the training."""

import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import Denoiser
from nevoa.errors import NevoaError
from nevoa.runs import checkpoint
from nevoa.runs.lock import status_of
from nevoa.runs.run import Run
from nevoa.sampling import DDPM, Transition
from nevoa.training import Job, fit_job
from nevoa.training.checkpoint import contents
from nevoa.training.loop import MOST_NOT_FINITE, training_steps
from nevoa.training.state import TrainingState
from tests.small_runs import again, state_of, stop_after, told, without


class Poison(torch.autograd.Function):
    """Leaves the loss and makes its gradient NaN."""

    @staticmethod
    def forward(ctx: object, loss: Tensor) -> Tensor:
        return loss.clone()

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return gradient * math.nan


@pytest.fixture(params=["loss", "gradient", "infinite loss"])
def poisoned(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[set[int]], None]:
    """Make loss or gradient of some steps, counted from 1, something that is no number."""
    real = Denoiser.loss

    def at(steps: set[int]) -> None:
        pieces = itertools.count()

        def loss(self: Denoiser, *arguments: object) -> Tensor:
            losses = real(self, *arguments)  # pyright: ignore
            if next(pieces) // 2 + 1 not in steps:  # every batch comes in two pieces
                return losses
            if request.param == "gradient":
                return Poison.apply(losses)  # pyright: ignore
            return losses * (math.inf if "infinite" in request.param else math.nan)

        monkeypatch.setattr(Denoiser, "loss", loss)

    return at


@pytest.fixture(params=["float32", "bfloat16"])
def either(request: pytest.FixtureRequest, job: Job) -> Job:
    return again(job, precision=request.param)


def changing(state: TrainingState) -> dict[str, bytes]:
    return without(contents(state), {"state.json"})


def test_such_a_step_changes_nothing(either: Job, poisoned: Callable) -> None:
    poisoned({3, 4})
    state = either.fresh_state()
    steps = training_steps(state, either.images)
    for _ in range(2):
        next(steps)
    before, losses = changing(state), (state.report_loss.total, state.recent_loss.total)
    for _ in range(2):
        assert not next(steps).is_finite
        assert changing(state) == before
        assert (state.report_loss.total, state.recent_loss.total) == losses
    assert (state.images_seen, state.updates, state.not_finite) == (4 * 8, {"model": 2}, 2)
    step = next(steps)
    assert step.is_finite and math.isfinite(step.loss)
    assert (state.updates, state.not_finite) == ({"model": 3}, 0)
    assert changing(state) != before


@pytest.mark.slow
def test_nothing_is_published_then(job: Job, tmp_path: Path, poisoned: Callable) -> None:
    """Step 5 is due a checkpoint, step 4 a preview, step 6 a report: none of them comes, and the next ones do."""
    poisoned({4, 5, 6})
    list(fit_job(job, Run(tmp_path / "r")))
    run = Run(tmp_path / "r")
    assert [line["images_seen"] for line in run.metrics()] == [24, *range(72, 320, 24), 320]
    assert all(math.isfinite(line["loss"]) for line in run.metrics())
    assert min(int(path.stem) for path in run.previews_folder.iterdir()) == 64


def test_a_row_of_them_ends_training_and_says_where(either: Job, tmp_path: Path, poisoned: Callable) -> None:
    poisoned(set(range(8, 40)))
    run, seen = Run(tmp_path / "r"), []
    with pytest.raises(NevoaError) as told_so:
        seen += map(told, fit_job(either, Run(run.folder)))
    last = 8 + MOST_NOT_FINITE - 1
    assert f"up to {8 * last} images" in str(told_so.value)
    assert "learning rate 0.001" in str(told_so.value)
    from nevoa.data import Batches

    indices = Batches(either.images, either.config.training.seed).indices(8 * (last - 1), 8)
    assert ", ".join(map(str, indices)) in str(told_so.value)
    newest = checkpoint.newest(run.checkpoints)
    assert newest is not None and int(newest.name) == 40
    assert all(bool(tensor.isfinite().all()) for tensor in run.model().network.state_dict().values())
    assert status_of(run)[0] == "failed"
    assert "not finite" in status_of(run)[1]


def test_a_row_is_counted_over_a_stop(job: Job, tmp_path: Path, poisoned: Callable) -> None:
    poisoned(set(range(8, 40)))
    stop_after(job, tmp_path / "r", 10)
    with pytest.raises(NevoaError, match="up to 96 images"):
        list(fit_job(job, Run(tmp_path / "r")))


def test_weights_that_are_not_finite_are_not_saved(job: Job, tmp_path: Path) -> None:
    stream: Iterator = fit_job(job, Run(tmp_path / "r"))
    steps = list(itertools.islice(stream, 6))
    with torch.no_grad():
        next(steps[-1].model.network.parameters()).fill_(math.nan)
    with pytest.warns(UserWarning, match="preview"), pytest.raises(NevoaError, match="Weights are not finite"):
        list(stream)
    newest = checkpoint.newest(Run(tmp_path / "r").checkpoints)
    assert newest is not None and int(newest.name) == 40


@pytest.mark.slow
def test_float16_may_overflow_often_while_its_scale_falls(job: Job) -> None:
    config = job.config.updated("training", precision="float16")
    state = state_of(config, job.images)
    state.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**30)  # pyright: ignore
    steps = list(itertools.islice(training_steps(state, job.images), 40))
    assert sum(not step.is_finite for step in steps) > MOST_NOT_FINITE
    assert steps[-1].is_finite


@pytest.mark.slow
def test_a_preview_that_cannot_be_made_is_left_out_with_a_warning(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training goes on: the weights are finite, and later ones may make images."""
    real = DDPM.step

    def diverging(*arguments: Any) -> Transition:
        x_s, x_0_hat = real(*arguments)
        return Transition(x_s * math.nan, x_0_hat)

    monkeypatch.setattr(DDPM, "step", diverging)
    with pytest.warns(UserWarning, match=r"No preview after 320 images: The images became NaN"):
        steps = list(fit_job(job, Run(tmp_path / "r")))
    assert len(steps) == 40
    assert Run(tmp_path / "r").previews() == []
