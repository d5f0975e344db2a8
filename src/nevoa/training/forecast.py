"""The forecast of a training: its time, memory and disk, and the quality to expect."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from nevoa._util.files import check_room, size_of
from nevoa.config import Plan
from nevoa.config.names import DeviceName
from nevoa.runs.checkpoint import KEEP
from nevoa.runs.run import Run
from nevoa.training.budget import total_seconds
from nevoa.training.expected import Expected, expected
from nevoa.training.job import Job
from nevoa.training.measure import Trial
from nevoa.training.objective import keeps_best, objective_of


@dataclass(frozen=True)
class Forecast:
    """The time, memory and disk of a job.

    Attributes:
        image_seconds: of training on one image.
        flop_per_image: floating-point operations of training on one image.
        flop_per_second: at which they are computed.
        seconds: estimated for the whole run, previews included.
        memory_bytes: peak of this process, or of the GPU, while steps were timed; 0 if the system does not tell.
        disk_bytes: upper limit of the run folder's size.
        expected: distance of the trained model's images; None where it was not measured.

    Example:
        >>> Forecast.of(prepare(config)).parameters
        12556
    """

    parameters: int
    image_seconds: float
    flop_per_image: int
    flop_per_second: float
    seconds: float
    memory_bytes: int
    disk_bytes: int
    expected: Expected | None

    @classmethod
    def of(cls, job: Job) -> "Forecast":
        """The forecast of a job; times its steps and previews unless that was done to plan it."""
        trial, training = Trial(job.plan, job.images, job.objects), job.plan.training
        costs, flop, parameters = job.costs or trial.costs, trial.flop_per_image, job.parameters
        if trial.brief is not trial:
            next(trial.seconds())  # for the memory that a whole batch takes
        return cls(
            parameters=parameters,
            image_seconds=costs.image,
            flop_per_image=flop,
            flop_per_second=flop / costs.image,
            seconds=total_seconds(training, costs),
            memory_bytes=_peak_memory(training.device),
            disk_bytes=disk_bytes(parameters, job.plan, job.trained),
            expected=expected(job.plan, flop * training.images),
        )


def as_dict(job: Job, forecast: Forecast) -> dict[str, Any]:
    """A job and its forecast in JSON types: what was asked, what was decided, and what it will take."""
    images = job.images
    about = {"source": images.name, "images": len(images), "shape": list(images.shape), "notes": asdict(images.notes)}
    asked, decided = (section.model_dump(mode="json") for section in (job.config, job.plan))
    return {
        "asked": asked,
        "plan": decided,
        "data": about,
        **asdict(forecast),
    }


def check_disk(job: Job, folder: Path) -> None:
    """A NevoaError if the disk of `folder` lacks the room that the run still needs there."""
    taken = sum(size_of(part) for part in (Run(folder).checkpoints, Run(folder).weights_file.parent))
    check_room(folder, disk_bytes(job.parameters, job.plan, job.trained) - taken, "The run")


def disk_bytes(parameters: int, plan: Plan, trained: int) -> int:
    """Upper limit of a run folder's size: the model, and in each checkpoint weights, two moments and other networks.

    Besides the newest checkpoints there are the last before the cool-down, the one resumed from, and the next while it
    is written. Those of adapters do not hold the weights that stay; the adapters lie beside the model once more.
    """
    guide = bool(plan.training.guide)
    networks = 3 + bool(plan.training.ema_decay) + guide + keeps_best(plan) + objective_of(plan).sets_beside
    beside = bool(plan.training.lora)
    return 4 * (trained * (networks * (KEEP + 3) + beside) + parameters * (1 + guide)) + 1_000_000


def _peak_memory(device: DeviceName) -> int:
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
