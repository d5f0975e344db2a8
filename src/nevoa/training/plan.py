"""What a job will take: steps, time, memory and disk, known before it starts."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from nevoa._util.files import check_room, size_of
from nevoa.config import Config, TrainingConfig
from nevoa.data import Notes
from nevoa.runs.checkpoint import KEEP
from nevoa.runs.run import Run
from nevoa.training.budget import total_seconds
from nevoa.training.expected import Expected, expected
from nevoa.training.job import Job
from nevoa.training.memory import BESIDE
from nevoa.training.profile import Profile
from nevoa.training.width import Width


@dataclass(frozen=True)
class Plan:
    """The cost of a job.

    Attributes:
        flop_per_image: floating-point operations of training on one image.
        flop_per_second: at which they are computed.
        seconds: estimated for the whole run, previews included.
        memory_bytes: peak of this process, or of the GPU, while steps were timed; 0 if the system does not tell.
        disk_bytes: upper limit of the run folder's size.
        width: the network's, and the operations that it is the best for; None if it was given.
        expected: distance of the trained model's images; None where it was not measured.
        notes: facts about the images, such as which files were left out.

    Example:
        >>> Plan.of(resolve(config)).steps
        2
    """

    config: Config
    source: str
    images: int
    shape: tuple[int, int, int]
    network: str
    width: Width | None
    expected: Expected | None
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
    def of(cls, job: Job) -> "Plan":
        """The plan of a job; times its steps and previews unless that was done to settle it."""
        profile = Profile(job.config, job.images, job.objects, job.costs)
        training, parameters = job.config.training, job.parameters
        costs, flop = profile.costs, profile.flop_per_image
        return cls(
            config=job.config,
            source=job.images.name,
            images=len(job.images),
            shape=job.images.shape,
            network=job.config.network.kind,
            width=job.width,
            expected=expected(job.config, flop * (training.steps or 0) * training.known_batch_size),
            parameters=parameters,
            device=training.device,
            precision=training.known_precision,
            threads=training.threads or 0,
            steps=training.steps or 0,
            step_seconds=costs.step,
            flop_per_image=flop,
            flop_per_second=training.known_batch_size * flop / costs.step,
            seconds=total_seconds(training, costs),
            memory_bytes=_peak_memory(training.device),
            disk_bytes=disk_bytes(parameters, training),
            notes=job.images.notes,
        )

    def as_dict(self) -> dict[str, Any]:
        """The plan in JSON types."""
        return {**asdict(self), "shape": list(self.shape), "config": self.config.model_dump(mode="json")}


def check_disk(parameters: int, config: TrainingConfig, folder: Path) -> None:
    """A NevoaError if the disk of `folder` lacks the room that the run still needs there."""
    taken = sum(size_of(part) for part in (Run(folder).checkpoints, Run(folder).weights_file.parent))
    check_room(folder, disk_bytes(parameters, config) - taken, "The run")


def disk_bytes(parameters: int, config: TrainingConfig) -> int:
    """Upper limit of a run folder's size: the model, and in each checkpoint weights, two moments, average and `BESIDE`.

    Besides the newest checkpoints there are the best, the last before the cool-down, the one resumed from, and the next
    while it is written.
    """
    networks = 3 + bool(config.ema_decay) + BESIDE[config.objective]
    copies = networks * (KEEP + 4) + 1
    return 4 * parameters * copies + 1_000_000


def _peak_memory(device: str) -> int:
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
