"""What a training will do, said before it starts."""

import math
import resource
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from nevoa.config import Config, TrainingConfig
from nevoa.data import Batches, ImageSet, open_source
from nevoa.device import PrecisionName, choose_device, choose_precision, timed
from nevoa.errors import NevoaError
from nevoa.training.checkpoint import KEEP
from nevoa.training.loop import Draws, train_step, training_denoiser
from nevoa.training.record import PREVIEW_COUNT
from nevoa.training.state import TrainingState

# bf16 on a CPU without units for it is slow enough to be seen on eight images.
PRECISION_BATCH = 8


@dataclass(frozen=True)
class Plan:
    """A resolved config, and what was measured and counted to resolve it.

    Attributes:
        config: nothing in it is "auto" or open; this is what a run saves.
        seconds: estimated, previews included.
        memory_bytes: the most this process, or the GPU, held during a step of trial.
        disk_bytes: what the run folder will come to at most.
    """

    config: Config
    source: str
    images: int
    shape: tuple[int, int, int]
    network: str
    parameters: int
    device: str
    precision: str
    steps: int
    step_seconds: float
    seconds: float
    memory_bytes: int
    disk_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """For programs: JSON types only."""
        return {**asdict(self), "shape": list(self.shape), "config": self.config.model_dump(mode="json")}


def prepare(config: Config, saved: Config | None = None) -> tuple[Plan, ImageSet]:
    """Open the data, choose device and precision, time a step on the real network, and fix the number of steps.

    Args:
        saved: the config of a run to go on with; what it resolved is kept. A NevoaError says where the two differ.
    """
    start = time.perf_counter()
    images = open_source(config.data.source, size=config.data.size)
    config = _with(config, "data", fingerprint=images.fingerprint)
    if saved is not None:
        config = _continued(config, saved)
    config = _with(config, "training", device=choose_device(config.training.device))
    trial = TrainingState.fresh(config, images.shape)
    if config.training.precision == "auto":
        chosen = choose_precision(lambda precision: _step_seconds(trial, images, PRECISION_BATCH, precision))
        config = _with(config, "training", precision=chosen)
    precision = config.training.known_precision
    step_seconds = _step_seconds(trial, images, config.training.batch_size, precision, at_least=2.0)
    preview_seconds = _preview_seconds(trial)
    elapsed = time.perf_counter() - start
    steps = _steps(config.training, len(images), step_seconds, preview_seconds, elapsed)
    config = _with(config, "training", steps=steps)
    parameters = trial.model().parameters
    previews = 1 + steps * config.training.batch_size // config.training.preview_every_images
    plan = Plan(
        config=config,
        source=images.name,
        images=len(images),
        shape=images.shape,
        network=config.network.kind,
        parameters=parameters,
        device=trial.device,
        precision=precision,
        steps=steps,
        step_seconds=step_seconds,
        seconds=steps * step_seconds + previews * preview_seconds,
        memory_bytes=_peak_memory(trial.device),
        disk_bytes=_disk_bytes(parameters, config.training),
    )
    return plan, images


def check_disk(plan: Plan, folder: Path) -> None:
    """A NevoaError if the disk under `folder` has less room than the run will need."""
    existing = next(path for path in [folder.absolute(), *folder.absolute().parents] if path.exists())
    free = shutil.disk_usage(existing).free
    if free < plan.disk_bytes:
        need, have = (f"{size / 1e6:,.0f} MB" for size in (plan.disk_bytes, free))
        raise NevoaError(f"The run needs up to {need} in {folder}; {have} are free.")


def _with(config: Config, section: str, **values: Any) -> Config:
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


def _continued(config: Config, saved: Config) -> Config:
    """`config` with what only `saved` has resolved; everything else must be the same."""
    wish, was = config.training, saved.training
    same_budget = (wish.minutes, wish.epochs) == (was.minutes, was.epochs)
    resolved = {
        "steps": was.steps if wish.steps is None and same_budget else wish.steps,
        "device": was.device if wish.device == "auto" else wish.device,
        "precision": was.precision if wish.precision == "auto" else wish.precision,
    }
    config = _with(config, "training", **resolved)
    if config != saved:
        raise NevoaError(
            f"This folder holds a run with other settings ({_difference(saved, config)}). Choose another --out."
        )
    return config


def _difference(saved: Config, config: Config) -> str:
    before, after = (
        {f"{section}.{key}": value for section, table in each.model_dump().items() for key, value in table.items()}
        for each in (saved, config)
    )
    keys = [key for key in before | after if before.get(key) != after.get(key)]
    return ", ".join(f"{key}: {before.get(key)} there, {after.get(key)} here" for key in keys)


def _step_seconds(
    trial: TrainingState, images: ImageSet, batch_size: int, precision: PrecisionName, at_least: float = 0.0
) -> float:
    config = trial.config
    x_0 = Batches(images, config.training.seed, config.data.flip).batch(0, batch_size)
    t, epsilon = Draws(config.training.seed, config.diffusion.timesteps, images.shape).take(0, batch_size)
    denoiser = training_denoiser(config, trial.network, trial.device, precision)
    return timed(lambda: train_step(trial, denoiser, x_0, t, epsilon, 0.0), trial.device, at_least)


def _preview_seconds(trial: TrainingState) -> float:
    """A preview's evaluations, by the time that one of them takes."""
    model = trial.model()
    x, t = torch.zeros(PREVIEW_COUNT, *trial.shape, device=trial.device), torch.ones(PREVIEW_COUNT, dtype=torch.int64)
    denoiser, t = model.denoiser(), t.to(trial.device)
    with torch.inference_mode():
        return timed(lambda: denoiser(x, t), trial.device) * (model.settings().steps or 1)


def _steps(config: TrainingConfig, images: int, step_seconds: float, preview_seconds: float, elapsed: float) -> int:
    if config.steps is not None:
        return config.steps
    if config.epochs is not None:
        return math.ceil(config.epochs * images / config.batch_size)
    # Previews are part of the budget: one at the end, and a share of one for every step.
    per_step = step_seconds + preview_seconds * config.batch_size / config.preview_every_images
    return max(1, int(((config.minutes or 0) * 60 - elapsed - preview_seconds) / per_step))


def _peak_memory(device: str) -> int:
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _disk_bytes(parameters: int, config: TrainingConfig) -> int:
    """Weights, two moments and perhaps an average in each checkpoint, one more than are kept; the model; pictures."""
    copies = (4 if config.ema_decay else 3) * (KEEP + 1) + 1
    return 4 * parameters * copies + 1_000_000
