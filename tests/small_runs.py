"""Small runs, and what it means that two are the same."""

import dataclasses
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from nevoa._util.files import read_json
from nevoa.config import Config
from nevoa.config.names import ObjectiveName
from nevoa.config.network import NetworkConfig
from nevoa.config.registry import register
from nevoa.data import ImageSet
from nevoa.runs import checkpoint
from nevoa.runs.manifest import NAME, STATE
from nevoa.runs.run import Run
from nevoa.training import Job, Step, fit_resolved
from nevoa.training.loop import training_steps
from nevoa.training.snapshot import save_checkpoint
from nevoa.training.state import TrainingState


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
CLOCKS = {"seconds", "spent", "report_seconds", "images_per_second"}


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


@pytest.fixture
def job(tiny: Config, few_images: ImageSet) -> Job:
    """Forty steps of 8 on 20 images, each batch in two pieces: epochs end within and between batches."""
    update = {"steps": 40, "ema_decay": 0.9, "accumulation": 2, "device": "cpu", "threads": 1, "compile": False}
    update |= {"optimizer": "adam", "learning_rate": 1e-3, "learning_rate_decay": "none", "warmup_images": 0}
    training = tiny.training.model_copy(update=update | {"preview_steps": 2, "report_every_images": 24})
    data = tiny.data.model_copy(update={"flip": True})
    return Job(tiny.model_copy(update={"network": LEAST, "training": training, "data": data}), few_images)


def distillation_of(job: Job, objective: ObjectiveName) -> Job:
    """A job as a distillation of random weights."""
    config = job.config.updated("diffusion", prediction="v")
    config = config.updated("training", objective=objective, start="a model", learning_rate_decay="linear")
    random = torch.Generator().manual_seed(0)
    fresh = TrainingState.fresh(config, job.images.shape).network.state_dict()
    # fresh networks predict 0, whatever their other weights
    weights = {name: tensor + 0.1 * torch.randn(tensor.shape, generator=random) for name, tensor in fresh.items()}
    return replace(job, config=config, start=weights)


@pytest.fixture
def residual_job(job: Job, tiny: Config) -> Job:
    """The same with a small network of the kind that the presets train."""
    return dataclasses.replace(job, config=job.config.model_copy(update={"network": tiny.network}))


@pytest.fixture
def two_checkpoints(job: Job, tmp_path: Path) -> tuple[Path, Path]:
    """An older and a newer checkpoint of a run."""
    state = TrainingState.fresh(job.config, job.images.shape)
    steps, saved = training_steps(state, job.images), []
    for _ in range(2):
        next(steps)
        saved.append(save_checkpoint(state, tmp_path / "checkpoints"))
    return saved[0], saved[1]


def stop_after(job: Job, folder: Path, count: int) -> list[Step]:
    """Take so many steps of a run, then stop reading."""
    stream = fit_resolved(job, folder)
    steps = list(islice(stream, count))
    stream.close()
    return steps
