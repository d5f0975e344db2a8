"""One job on several processes: process 0 plans it, and all of them train it on the same images."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch
from torch import Tensor

from nevoa._util.interrupt import interrupts_deferred, stopping_together
from nevoa.config import Config, changes
from nevoa.data import ImageSet, load_images
from nevoa.errors import NevoaError
from nevoa.objects import Objects
from nevoa.parallel.device import within
from nevoa.parallel.group import machine, process_group
from nevoa.runs import Run
from nevoa.runs.horizon import Horizon
from nevoa.training.budget import Budget
from nevoa.training.checkpoint import restore
from nevoa.training.job import Job, Wish, prepare
from nevoa.training.loop import training_steps, weighing_guide
from nevoa.training.resume import data_of
from nevoa.training.state import TrainingState
from nevoa.training.step import Step
from nevoa.version import __version__


def prepare_together(config: Config, images: ImageSet | None, wish: Wish = Wish(), run: Run | None = None) -> Job:
    """`prepare` on process 0; every process gets its job, with the images and objects of its own.

    Raises:
        NevoaError: the processes differ in what they train.

    Example:
        >>> job = prepare_together(config, None)
    """
    group = process_group()
    if group.alone:
        return prepare(config, images, wish, run)
    data = group.broadcast(lambda: data_of(config, run)) if images is None else config.data
    loaded = group.first_on_machine(lambda: load_images(data) if images is None else images)
    versions = {"nevoa": __version__, "torch": torch.__version__}
    facts = group.gather((machine(), {**versions, "images": loaded.fingerprint}, config))

    def made() -> Job:
        check_alike(facts)
        return replace(prepare(config, loaded, wish, run), images=cast(Any, None), objects=Objects())

    return replace(group.broadcast(made), images=loaded, objects=wish.objects)


def check_alike(facts: Sequence[tuple[str, Mapping[str, str], Config]]) -> None:
    """Raise a NevoaError that says in what processes differ from process 0.

    Args:
        facts: of each process its machine, the versions and images by name, and its config.
    """
    (first, before, config), lines = facts[0], list[str]()
    for rank, (host, after, other) in enumerate(facts):
        parts = [
            f"{name}: was {before[name]:.12}, now {after[name]:.12}" for name in before if before[name] != after[name]
        ]
        if parts := [*parts, *changes(config, other).values()]:
            lines.append(f"process {rank} on {host} (was: process 0 on {first}): {'; '.join(parts)}")
    if lines:
        raise NevoaError("\n  ".join(["The processes do not train the same:", *lines]))


@dataclass(frozen=True)
class InitialState:
    """Where a training begins, on every process.

    Attributes:
        checkpoint: the files of the one that it goes on from; none at the start.
        weights: of a network that is an object: each process may have made its own.
    """

    horizon: Horizon = field(default_factory=lambda: Horizon(0))
    budget: Budget = field(default_factory=Budget)
    checkpoint: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    weights: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])

    @classmethod
    def of(cls, state: TrainingState, budget: Budget, origin: Path | None) -> "InitialState":
        """Where process 0 begins."""
        files = {} if origin is None else {path.name: path.read_bytes() for path in origin.iterdir()}
        # Beside adapters, each process has loaded the weights of the model to start from.
        made = state.objects.network is not None and not state.plan.training.lora
        weights = state.network.state_dict() if made else {}
        return cls(state.horizon, budget, files, {name: tensor.cpu() for name, tensor in weights.items()})


def train_along(job: Job) -> Generator[Step, None, None]:
    """Train with process 0, which keeps the run: its folder may be on another machine."""
    initial = process_group().broadcast(InitialState)
    state = job.fresh_state()
    if initial.weights:
        state.start_from(initial.weights)
    if initial.checkpoint:
        with TemporaryDirectory() as folder:
            for name, data in initial.checkpoint.items():
                Path(folder, name).write_bytes(data)
            restore(state, Path(folder), accept_changes=job.accept_changes)
    state.horizon = initial.horizon
    yield from interruptible(weighing_guide(training_steps(state, job.images, initial.budget), state, job.images))


def interruptible(steps: Iterator[Step]) -> Generator[Step, None, None]:
    """Let signals end a training between its steps, on all processes after the same one."""
    group = process_group()
    return within(interrupts_deferred, steps) if group.alone else stopping_together(steps, group.largest)
