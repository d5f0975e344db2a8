"""One job on several processes: process 0 settles it, and all of them train it on the same images."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import torch

import nevoa
from nevoa._util.processes import joined, machine
from nevoa.config import Config
from nevoa.data import ImageSet, load_images
from nevoa.errors import NevoaError
from nevoa.objects import Objects
from nevoa.training.job import Job


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
        return cls(machine(), nevoa.__version__, torch.__version__, images.fingerprint, config)


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
