"""Small runs, and what it means that two are the same."""

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor, nn

from nevoa._util.files import read_json
from nevoa.config import Config, ModelPlan, Plan, parse
from nevoa.config.network import NetworkConfig
from nevoa.config.plan import TrainingPlan
from nevoa.config.registry import register
from nevoa.data import ImageSet, Notes
from nevoa.runs import checkpoint
from nevoa.runs.manifest import NAME, STATE
from nevoa.runs.model_files import GUIDE_PREFIX
from nevoa.runs.run import Run
from nevoa.training import Job, Step, fit_job, held_out, plan
from nevoa.training.checkpoint import save_checkpoint
from nevoa.training.feed import Batch, batches_of
from nevoa.training.gradient import Gradient
from nevoa.training.held_out import HeldOut
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState
from nevoa.training.update import update

# A training of one image, of which tests change what they are about.
ONE_IMAGE = TrainingPlan(
    images=1,
    batch_size=1,
    device="cpu",
    precision="float32",
    threads=1,
    report_every_images=1,
    preview_every_images=1,
    preview_steps=1,
    checkpoint_every_images=1,
)


class Least(nn.Module):
    """The least network: what is tested are steps and files, and each tensor of a larger one takes its time."""

    def __init__(self, channels: int, *, classes: int = 0) -> None:
        super().__init__()
        layers = nn.Conv2d(channels, 4, 3, padding=1), nn.SiLU(), nn.Conv2d(4, channels, 3, padding=1)
        self.layers = nn.Sequential(*layers)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.layers(x_t + t[:, None, None, None] / 1000)


class LeastConfig(NetworkConfig):
    """It has no keys."""


register("network", "least", Least, LeastConfig)
LEAST = LeastConfig(kind="least")
# Of a training with held-out images: after so many of its images their loss is lowest.
LOWEST = 160
CLOCKS = {"seconds", "spent", "report_seconds", "images_per_second", "report_images_per_second"}


def without(values: dict, keys: set[str]) -> dict:
    return {key: value for key, value in values.items() if key not in keys}


def told(step: Step) -> dict:
    """All that a step says, but for clocks and the model."""
    fields = {field.name: getattr(step, field.name) for field in dataclasses.fields(step)}
    return without(fields, {*CLOCKS, "model"})


def outcome(run: Run) -> dict[str, object]:
    """All of a run that is not a clock reading: the newest checkpoint, metrics, previews, model."""
    newest = checkpoint.newest(run.checkpoints)
    assert newest is not None
    found: dict[str, object] = {
        f"checkpoint/{path.name}": path.read_bytes() for path in newest.iterdir() if path.name not in (NAME, STATE)
    }
    found["state"] = without(read_json(newest / STATE), CLOCKS)
    found["metrics"] = [without(line, CLOCKS) for line in run.metrics()]
    found["model"] = (run.weights_file.read_bytes(), run.model_config_file.read_bytes())
    return found | {path.name: path.read_bytes() for path in run.previews_folder.iterdir()}


def planned(config: Config, images: ImageSet, **training: object) -> Plan:
    """The plan of a config with a fixed number of steps: nothing is timed, but by request other values are set."""
    return replanned(plan(config, images, records=False).plan, **training)


def replanned(made: Plan, **training: object) -> Plan:
    """A plan with other values of its training."""
    return updated(made, "training", **training)


AnyPlan = TypeVar("AnyPlan", bound=ModelPlan)


def updated(plan: AnyPlan, section: str, **values: object) -> AnyPlan:
    """A plan with other values in a section."""
    return parse({**plan.model_dump(), section: {**getattr(plan, section).model_dump(), **values}}, type(plan))


def model_plan(config: Config, **values: Any) -> ModelPlan:
    """The plan of a config's model: without classes unless they are given; an open prediction is flow."""
    if config.diffusion.prediction == "auto":
        config = config.updated("diffusion", prediction="flow")
    sections = {name: getattr(config, name) for name in ("data", "diffusion", "network", "sampling")}
    return ModelPlan(**sections, **values)


def job_of(config: Config, images: ImageSet, **training: object) -> Job:
    """A job that measures nothing."""
    return Job(config, planned(config, images, **training), images)


def state_of(config: Config, images: ImageSet, **training: object) -> TrainingState:
    """The state before the first step of a config with a fixed number of steps."""
    return TrainingState.fresh(planned(config, images, **training), images.shape)


def take_step(
    state: TrainingState, batch: Batch, learning_rate: float, gradient: Gradient | None = None
) -> tuple[Tensor, float, float]:
    """One step of gradient, optimizer and average: the loss of each image, their mean, the norm of the gradient."""
    gradient = gradient or Gradient(state)
    losses, mean = gradient.of(batch)
    return update(state, losses, mean, learning_rate, gradient.parts)


def first_batch(state: TrainingState, images: ImageSet) -> Batch:
    """The next batch that a state is trained on."""
    return next(batches_of(state, images, Gradient(state).share))


def again(job: Job, **training: object) -> Job:
    """The job with other values of its training."""
    return replace(job, plan=replanned(job.plan, **training))


@pytest.fixture
def job(tiny: Config, few_images: ImageSet) -> Job:
    """Forty steps of 8 on 20 images, each batch in two pieces: epochs end within and between batches."""
    update = {"steps": 40, "ema_decay": 0.9, "accumulation": 2, "device": "cpu", "threads": 1, "compile": False}
    update |= {"optimizer": "adam", "learning_rate": 1e-3, "learning_rate_decay": "none", "warmup_images": 0}
    config = tiny.updated("training", **update, preview_steps=2, report_every_images=24).updated("data", augment="flip")
    return job_of(config.model_copy(update={"network": LEAST}), few_images)


def falling_until(lowest: int) -> Callable[[HeldOut, TrainingState], dict[str, float]]:
    """Losses that are lowest after so many images, whatever the weights are."""

    def losses(_: HeldOut, state: TrainingState) -> dict[str, float]:
        return {"training_loss": 0.1, "held_out_loss": 0.2 + abs(state.images_seen - lowest) / 1000}

    return losses


def with_held_out(job: Job) -> Job:
    """Forty steps of 8 with twenty images held out, whose loss is measured every second step."""
    data = job.plan.data.model_copy(update={"holdout": 20})
    job = replace(job, plan=job.plan.model_copy(update={"data": data}))
    every = dict.fromkeys(("report_every_images", "preview_every_images"), 16)
    job = again(job, **every, checkpoint_every_images=40, accumulation=1, ema_decay=0.9)
    return replace(job, images=replace(job.images, notes=Notes(held_out=20)))


def distillation_of(job: Job, objective: str, autoguidance: float = 1.0) -> Job:
    """A job as a distillation of random weights, with a guide of other ones."""
    changed: dict[str, object] = {"objective": objective, "start": "a model", "learning_rate_decay": "linear"}
    changed["teacher_autoguidance"] = autoguidance
    config = job.config.updated("diffusion", prediction="v").updated("training", **changed)
    job = job_of(config, job.images)
    random = torch.Generator().manual_seed(0)
    fresh = job.fresh_state().network.state_dict()
    # fresh networks predict 0, whatever their other weights
    weights, guide = (
        {prefix + name: tensor + 0.1 * torch.randn(tensor.shape, generator=random) for name, tensor in fresh.items()}
        for prefix in ("", GUIDE_PREFIX)
    )
    return replace(job, start=weights | (guide if autoguidance != 1 else {}))


@pytest.fixture
def memorising(job: Job, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(held_out, "load_test_images", lambda data, images: images)
    monkeypatch.setattr(HeldOut, "losses", falling_until(LOWEST))
    return with_held_out(job)


@pytest.fixture
def residual_job(job: Job, tiny: Config) -> Job:
    """The same with a small network of the kind that the presets train."""
    return job_of(job.config.model_copy(update={"network": tiny.network}), job.images)


@pytest.fixture
def two_checkpoints(job: Job, tmp_path: Path) -> tuple[Path, Path]:
    """An older and a newer checkpoint of a run."""
    state = TrainingState.fresh(job.plan, job.images.shape)
    steps, saved = training_steps(state, job.images), []
    for _ in range(2):
        next(steps)
        saved.append(save_checkpoint(state, tmp_path / "checkpoints"))
    return saved[0], saved[1]


def stop_after(job: Job, folder: Path, count: int) -> list[Step]:
    """Take so many steps of a run, then stop reading."""
    stream = fit_job(job, Run(folder))
    steps = list(islice(stream, count))
    stream.close()
    return steps
