"""The speeds at which this machine trained, kept in the cache, so that the same command gets the same network.

A measurement varies with what else the machine does, so two of them may choose different widths.
"""

import hashlib
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field, TypeAdapter, ValidationError

from nevoa._util.files import read_json_or_empty, write_text
from nevoa.data.cache import cache_folder
from nevoa.errors import NevoaError
from nevoa.parallel.environment import world_size
from nevoa.parallel.machine import machine
from nevoa.training.measure import Trial
from nevoa.training.timing import in_turn
from nevoa.version import __version__

# The speeds that are kept count unless the machine is now so many times as fast: they were measured beside other work.
# With a speed that is wrong by a factor of two, the law's width has a distance 2 % above the best.
FASTER = 2.0
# Trainings that are timed take turns of this share of the minutes, within limits.
TURN_SHARE, SHORTEST, LONGEST = 0.0005, 0.05, 0.2
# Settings of a training that do not change its speed.
BUDGET = {
    "minutes",
    "images",
    "report_every_images",
    "preview_every_images",
    "preview_steps",
    "checkpoint_every_images",
    "guide",
}
RATE = {"learning_rate", "learning_rate_decay", "cooldown", "patience", "warmup_images"}
UNRELATED = {*BUDGET, *RATE, "seed", "batch_size", "start"}
KEPT = TypeAdapter(dict[str, dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]]])


class Speeds:
    """FLOP per second of one kind of training on this machine, by width and batch size.

    Args:
        reference: the training that is timed in any case.
    """

    def __init__(self, reference: Trial):
        self._key, self._now = _key(reference), _timed([reference])[0]
        self._known, self._reference = read_speeds(speeds_file()).get(self._key, {}), _name(reference)
        if self._now > FASTER * self._known.get(self._reference, 0.0):
            self._keep({self._reference: self._now})

    @property
    def reference(self) -> float:
        """That of the reference."""
        return self._known[self._reference]

    def of(self, trials: Sequence[Trial]) -> list[float]:
        """Those of several trainings, which are timed in alternation unless all are known."""
        names = [_name(trial) for trial in trials]
        if not self._known.keys() >= set(names):
            found = dict(zip(names, _timed(trials), strict=True))
            # Other work that slows this measurement has slowed the reference's, too.
            scaled = {name: speed * self.reference / self._now for name, speed in found.items()}
            self._keep(scaled | self._known)
        return [self._known[name] for name in names]

    def _keep(self, known: dict[str, float]) -> None:
        self._known = known
        try:
            write_text(speeds_file(), json.dumps(read_speeds(speeds_file()) | {self._key: known}, indent=1))
        except NevoaError as error:
            warnings.warn(f"{error} So the next plan may choose another width.", stacklevel=2)


def speeds_file() -> Path:
    """The file of speeds. Without it, the next plan measures anew."""
    return cache_folder() / "speeds.json"


def read_speeds(path: Path) -> dict[str, dict[str, float]]:
    """Read a file of speeds; {} if it is missing or damaged."""
    try:
        return KEPT.validate_python(read_json_or_empty(path))
    except ValidationError:
        return {}


def _name(trial: Trial) -> str:
    width = getattr(trial.plan.network, "dim", "the network")
    return f"{width}, batches of {trial.plan.training.batch_size}"


def _key(trial: Trial) -> str:
    """The settings that change the speed, besides width and batch size."""
    plan, network = trial.plan, trial.plan.network.model_dump()
    facts: dict[str, Any] = {
        "software": [__version__, torch.__version__, world_size()],
        "machine": machine(plan.training.device),
        "images": trial.images.shape,
        # With the operations of an image, because an object has no keys.
        "network": [network, trial.flop_per_image, len(plan.classes)],
        "training": plan.training.model_dump(exclude=UNRELATED),
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _timed(trials: Sequence[Trial]) -> list[float]:
    """The speeds of trainings that are timed in alternation."""
    seconds = 60 * max(trial.plan.training.minutes or 0 for trial in trials)
    turn = min(LONGEST, max(SHORTEST, TURN_SHARE * seconds))
    steps = in_turn([trial.seconds() for trial in trials], turn)
    images = [trial.plan.training.batch_size * trial.flop_per_image for trial in trials]
    return [flop / step for step, flop in zip(steps, images, strict=True)]
