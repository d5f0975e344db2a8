"""What a training will do: every open setting resolved, and the rest said before it starts."""

import math
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from nevoa._util.device import choose_device, choose_precision, choose_threads
from nevoa._util.files import check_room, size_of
from nevoa.config import Config, TrainingConfig, parse
from nevoa.data import ImageSet, Notes, flips, is_path, load_images
from nevoa.errors import NevoaError
from nevoa.runs.checkpoint import KEEP
from nevoa.runs.run import Run
from nevoa.training.budget import course, is_open, total_seconds
from nevoa.training.profile import Profile
from nevoa.training.resume import continued

# What a compiled network saves of a run of ten minutes on a GPU is more than the minute that compiling it may take.
COMPILE_PAYS = 600.0


def resolve(
    config: Config,
    saved: Config | None = None,
    started: float | None = None,
    *,
    recorded: bool = True,
    accept_changes: bool = False,
) -> Profile:
    """Open the data and settle what the config leaves open, from the device to how often a preview is drawn.

    Args:
        saved: the config of a run to go on with; what it resolved is kept. A NevoaError says where the two differ.
        started: when the config's minutes began, by `time.perf_counter()`; once the data are open if None.
        recorded: whether previews and checkpoints will be made; without them all the minutes are for steps.
        accept_changes: go on where `saved` differs.
    """
    images = load_images(config.data)
    # Images are decoded once for all trainings: the minutes are not for that.
    started = time.perf_counter() if started is None else started
    config = _with(config, "training", conditional=_conditional(config, images))
    config = _with(config, "data", **_about(config, images))
    if saved is not None:
        config = continued(config, saved, accept_changes)
    device = choose_device(config.training.device)
    threads = config.training.threads or choose_threads()
    trial = Profile(_with(config, "training", device=device, threads=threads), images)
    # A network that does not fit the images is refused here, before anything is timed or written.
    assert trial.state.shape == images.shape
    if config.training.precision == "auto":
        trial.settle(precision=choose_precision(device, trial.seconds_in_precision))
    if trial.config.training.steps is None and trial.config.training.epochs is not None:
        trial.settle(steps=math.ceil(trial.config.training.epochs * len(images) / trial.config.training.batch_size))
    if config.training.compile is None:
        trial.settle(compile=device == "cuda" and _seconds(trial) > COMPILE_PAYS)
    if recorded and saved is None and is_open(trial.config.training):
        _settle_course(trial, started)
    elif trial.config.training.steps is None:
        step = trial.step_seconds
        trial.settle(steps=max(1, int(_left(trial, started) / step)))
    return trial


def _settle_course(trial: Profile, started: float) -> None:
    # Measured first: what is left of the minutes is left after that.
    costs = trial.costs
    trial.settle(**course(trial.config.training, costs, _seconds(trial), _left(trial, started)))


def _left(trial: Profile, started: float) -> float:
    return _seconds(trial) - (time.perf_counter() - started)


def _seconds(trial: Profile) -> float:
    """What the run is to take, all told."""
    training = trial.config.training
    return training.minutes * 60 if training.minutes else (training.steps or 0) * trial.step_seconds


@dataclass(frozen=True)
class Plan:
    """What a resolved config comes to.

    Attributes:
        flop_per_image: floating-point operations of training on one image.
        flop_per_second: at which they are done.
        seconds: estimated, previews included.
        memory_bytes: the most this process, or the GPU, held during a step of trial.
        disk_bytes: what the run folder will come to at most.
        notes: what is known of the images, as which of them were left out.
    """

    config: Config
    source: str
    images: int
    shape: tuple[int, int, int]
    network: str
    parameters: int
    device: str
    precision: str
    threads: int
    steps: int
    step_seconds: float
    flop_per_image: int
    flop_per_second: float
    seconds: float
    memory_bytes: int
    disk_bytes: int
    notes: Notes

    @classmethod
    def of(cls, trial: Profile) -> "Plan":
        """The plan of a resolved config, its steps and previews timed."""
        training, parameters = trial.config.training, trial.state.model().parameters
        steps = training.steps or 0
        return cls(
            config=trial.config,
            source=trial.images.name,
            images=len(trial.images),
            shape=trial.images.shape,
            network=trial.config.network.kind,
            parameters=parameters,
            device=trial.state.device,
            precision=training.known_precision,
            threads=training.threads or 0,
            steps=steps,
            step_seconds=trial.step_seconds,
            flop_per_image=trial.flop_per_image,
            flop_per_second=training.batch_size * trial.flop_per_image / trial.step_seconds,
            seconds=total_seconds(training, trial.costs),
            memory_bytes=_peak_memory(trial.state.device),
            disk_bytes=_disk_bytes(parameters, training),
            notes=trial.images.notes,
        )

    def as_dict(self) -> dict[str, Any]:
        """For programs: JSON types only."""
        return {**asdict(self), "shape": list(self.shape), "config": self.config.model_dump(mode="json")}


def check_disk(trial: Profile, folder: Path) -> None:
    """A NevoaError if the disk under `folder` has less room than the run will need besides what it takes already."""
    taken = sum(size_of(part) for part in (Run(folder).checkpoints, Run(folder).weights_file.parent))
    check_room(folder, _disk_bytes(trial.state.model().parameters, trial.config.training) - taken, "The run")


def _with(config: Config, section: str, **values: Any) -> Config:
    """The config with other values, checked as if a user had written them."""
    return parse({**config.model_dump(), section: {**getattr(config, section).model_dump(), **values}})


def _conditional(config: Config, images: ImageSet) -> bool:
    wish = config.training.conditional
    if wish == "auto":
        return bool(images.classes)
    if wish and not images.classes:
        raise NevoaError(
            f"{images.name} has no classes: a conditional model needs them. Put its images into a sub-folder for each "
            "class, or leave --conditional out."
        )
    return wish


def _about(config: Config, images: ImageSet) -> dict[str, Any]:
    """What is found when the data are opened; the classes only where the network is told them."""
    data = config.data
    return {
        "source": str(Path(data.source).expanduser().resolve()) if is_path(data.source) else data.source,
        "flip": flips(data.source) if data.flip is None else data.flip,
        "fingerprint": images.fingerprint,
        "classes": images.classes if config.training.conditional else None,
    }


def _peak_memory(device: str) -> int:
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _disk_bytes(parameters: int, config: TrainingConfig) -> int:
    """Weights, two moments and perhaps an average in each checkpoint; the model; pictures.

    There are the newest, the best, the one resumed from, and the next while it is written.
    """
    copies = (4 if config.ema_decay else 3) * (KEEP + 3) + 1
    return 4 * parameters * copies + 1_000_000
