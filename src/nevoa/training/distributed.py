"""One job on several processes: process 0 settles it, and all of them train it on the same images."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch
from torch import Tensor

from nevoa._util.interrupt import interrupts_deferred, stopping_together
from nevoa.config import Config
from nevoa.data import ImageSet, load_images
from nevoa.errors import NevoaError
from nevoa.objects import Objects
from nevoa.parallel.device import within
from nevoa.parallel.group import joined, machine
from nevoa.training.course import Course
from nevoa.training.job import Job
from nevoa.training.loop import Step, training_steps
from nevoa.training.pace import Pace
from nevoa.training.snapshot import restore
from nevoa.training.state import TrainingState
from nevoa.version import __version__


@dataclass(frozen=True)
class Facts:
    """What all processes of a training have to have in common.

    Attributes:
        host: name of the machine; the only one that may differ.
        images: their fingerprint.
    """

    host: str
    nevoa: str
    torch: str
    images: str
    config: Config

    @classmethod
    def of(cls, config: Config, images: ImageSet) -> "Facts":
        """The facts of this process."""
        return cls(machine(), __version__, torch.__version__, images.fingerprint, config)


def on_every_process(
    settle: Callable[[ImageSet | None], Job], config: Config, images: ImageSet | None, objects: Objects
) -> Job:
    """Return the job that process 0 settles, with the images and objects of this process.

    Raises:
        NevoaError: the processes differ in what they train.
    """
    processes = joined()
    if processes.alone:
        return settle(images)
    loaded = processes.first_on_machine(lambda: load_images(config.data) if images is None else images)
    facts = processes.gathered(Facts.of(config, loaded))

    def settled() -> Job:
        check_alike(facts)
        return replace(settle(loaded), images=cast(Any, None), objects=Objects())

    return replace(processes.from_first(settled), images=loaded, objects=objects)


def check_alike(facts: Sequence[Facts]) -> None:
    """Raise a NevoaError that says in what processes differ from process 0."""
    differences = [_difference(rank, facts[0], other) for rank, other in enumerate(facts)]
    if lines := list(filter(None, differences)):
        raise NevoaError("\n  ".join(["The processes do not train the same:", *lines]))


def _difference(rank: int, first: Facts, other: Facts) -> str:
    before, after = asdict(replace(first, host=other.host)), asdict(other)
    names = [name for name in before if name != "config" and before[name] != after[name]]
    parts = [f"{name}: was {before[name]:.12}, now {after[name]:.12}" for name in names]
    parts += first.config.changes(other.config)
    where = f"process {rank} on {other.host} (was: process 0 on {first.host})"
    return f"{where}: {'; '.join(parts)}" if parts else ""


@dataclass(frozen=True)
class Beginning:
    """Where a training begins, on every process.

    Attributes:
        checkpoint: the files of the one that it goes on from; none at the start.
        weights: of a network that is an object: each process may have made its own.
    """

    course: Course = field(default_factory=lambda: Course(0))
    pace: Pace | None = None
    checkpoint: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    weights: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])

    @classmethod
    def of(cls, state: TrainingState, pace: Pace | None, newest: Path | None) -> "Beginning":
        """Where process 0 begins."""
        files = {} if newest is None else {path.name: path.read_bytes() for path in newest.iterdir()}
        weights = {} if state.objects.network is None else state.network.state_dict()
        return cls(state.course, pace, files, {name: tensor.cpu() for name, tensor in weights.items()})


def follow(job: Job, accept_changes: bool) -> Generator[Step, None, None]:
    """Train with process 0, which keeps the run: its folder may be on another machine."""
    begin = joined().from_first(Beginning)
    state = job.fresh_state()
    if begin.weights:
        state.start_from(begin.weights)
    if begin.checkpoint:
        with TemporaryDirectory() as folder:
            for name, data in begin.checkpoint.items():
                Path(folder, name).write_bytes(data)
            restore(state, Path(folder), accept_changes=accept_changes)
    state.follow(begin.course)
    yield from interruptible(training_steps(state, job.images, begin.pace))


def interruptible(steps: Iterator[Step]) -> Generator[Step, None, None]:
    """Let signals end a training between its steps, on all processes after the same one."""
    processes = joined()
    return within(interrupts_deferred, steps) if processes.alone else stopping_together(steps, processes.largest)
