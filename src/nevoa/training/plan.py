"""What a training will do: every open setting resolved, and the rest said before it starts."""

import math
import resource
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

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


@dataclass
class Trial:
    """A throwaway network of the config, put to work on its images to see how long things take."""

    config: Config
    images: ImageSet

    @cached_property
    def state(self) -> TrainingState:
        return TrainingState.fresh(self.config, self.images.shape)

    @cached_property
    def step_seconds(self) -> float:
        """A step of the config's batch size in its precision, over two seconds of steps."""
        training = self.config.training
        return self.seconds_of_step(training.batch_size, training.known_precision, at_least=2.0)

    @cached_property
    def flop_per_image(self) -> int:
        """Floating-point operations of training on one image: three times those of the network's evaluation.

        The gradient takes two products for each one forward (Kaplan et al. 2020, section 2.1).
        """
        state, x = self.state, torch.zeros(1, *self.images.shape, device=self.state.device)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            state.network(x, torch.ones(1, dtype=torch.int64, device=state.device))
        return 3 * counter.get_total_flops()

    @cached_property
    def preview_seconds(self) -> float:
        """A preview's network evaluations, by the time that one takes."""
        model, device = self.state.model(), self.state.device
        x, t = (
            torch.zeros(PREVIEW_COUNT, *self.images.shape, device=device),
            torch.ones(PREVIEW_COUNT).long().to(device),
        )
        denoiser = model.denoiser(label=model.labels(PREVIEW_COUNT), guidance=model.settings().guidance)
        with torch.inference_mode():
            return timed(lambda: denoiser(x, t), device) * (model.settings().steps or 1)

    def seconds_of_step(self, batch_size: int, precision: PrecisionName, at_least: float = 0.0) -> float:
        config, state = self.config, self.state
        x_0 = Batches(self.images, config.training.seed, config.data.flip).batch(0, batch_size)
        t, epsilon = Draws(config.training.seed, config.diffusion.timesteps, state.shape).take(0, batch_size)
        denoiser = training_denoiser(config, state.network, state.device, precision)
        return timed(lambda: train_step(state, denoiser, x_0, t, epsilon, 0.0), state.device, at_least)


def resolve(config: Config, saved: Config | None = None) -> Trial:
    """Open the data and settle what the config leaves open: device, precision, number of steps, fingerprint, classes.

    Args:
        saved: the config of a run to go on with; what it resolved is kept. A NevoaError says where the two differ.
    """
    start = time.perf_counter()
    images = open_source(config.data.source, size=config.data.size)
    config = _with(config, "data", fingerprint=images.fingerprint, classes=_classes(config, images))
    if saved is not None:
        config = _continued(config, saved)
    config = _with(config, "training", device=choose_device(config.training.device))
    trial = Trial(config, images)
    # A network that does not fit the images is refused here, before anything is timed or written.
    assert trial.state.shape == images.shape
    if config.training.precision == "auto":
        precision = choose_precision(lambda name: trial.seconds_of_step(PRECISION_BATCH, name))
        trial.config = _with(trial.config, "training", precision=precision)
        trial.state.config = trial.config
    trial.config = _with(trial.config, "training", steps=_steps(trial, start))
    return trial


@dataclass(frozen=True)
class Plan:
    """What a resolved config comes to.

    Attributes:
        flop_per_image: floating-point operations of training on one image.
        flop_per_second: at which they are done.
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
    flop_per_image: int
    flop_per_second: float
    seconds: float
    memory_bytes: int
    disk_bytes: int

    @classmethod
    def of(cls, trial: Trial) -> "Plan":
        """The plan of a resolved config, its steps and previews timed."""
        training, parameters = trial.config.training, trial.state.model().parameters
        steps = training.steps or 0
        previews = 1 + steps * training.batch_size // training.preview_every_images
        return cls(
            config=trial.config,
            source=trial.images.name,
            images=len(trial.images),
            shape=trial.images.shape,
            network=trial.config.network.kind,
            parameters=parameters,
            device=trial.state.device,
            precision=training.known_precision,
            steps=steps,
            step_seconds=trial.step_seconds,
            flop_per_image=trial.flop_per_image,
            flop_per_second=training.batch_size * trial.flop_per_image / trial.step_seconds,
            seconds=steps * trial.step_seconds + previews * trial.preview_seconds,
            memory_bytes=_peak_memory(trial.state.device),
            disk_bytes=_disk_bytes(parameters, training),
        )

    def as_dict(self) -> dict[str, Any]:
        """For programs: JSON types only."""
        return {**asdict(self), "shape": list(self.shape), "config": self.config.model_dump(mode="json")}


def check_disk(trial: Trial, folder: Path) -> None:
    """A NevoaError if the disk under `folder` has less room than the run will need."""
    existing = next(path for path in [folder.absolute(), *folder.absolute().parents] if path.exists())
    free = shutil.disk_usage(existing).free
    needed = _disk_bytes(trial.state.model().parameters, trial.config.training)
    if free < needed:
        need, have = (f"{size / 1e6:,.0f} MB" for size in (needed, free))
        raise NevoaError(f"The run needs up to {need} in {folder}; {have} are free.")


def _with(config: Config, section: str, **values: Any) -> Config:
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


def _classes(config: Config, images: ImageSet) -> tuple[str, ...] | None:
    """What a conditional model is told of; None for any other."""
    if not config.training.conditional:
        return None
    if not images.classes:
        raise NevoaError(f"{images.name} has no labels: training.conditional=true needs a data set of classes.")
    return images.classes


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


def _steps(trial: Trial, start: float) -> int:
    training = trial.config.training
    if training.steps is not None:
        return training.steps
    if training.epochs is not None:
        return math.ceil(training.epochs * len(trial.images) / training.batch_size)
    # Previews are part of the budget: one at the end, and a share of one for every step.
    last, share = trial.preview_seconds, training.batch_size / training.preview_every_images
    per_step = trial.step_seconds + last * share
    elapsed = time.perf_counter() - start
    return max(1, int(((training.minutes or 0) * 60 - elapsed - last) / per_step))


def _peak_memory(device: str) -> int:
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _disk_bytes(parameters: int, config: TrainingConfig) -> int:
    """Weights, two moments and perhaps an average in each checkpoint, one more than are kept; the model; pictures."""
    copies = (4 if config.ema_decay else 3) * (KEEP + 1) + 1
    return 4 * parameters * copies + 1_000_000
