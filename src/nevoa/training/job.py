"""A training that is ready to start: planned, nothing written yet."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from nevoa.config import Config, Plan
from nevoa.config.network import OBJECT
from nevoa.config.presets import with_budget
from nevoa.config.toml import read_toml
from nevoa.data import ImageSet, changed_files, load_images, short_name
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.networks.adapters import merged
from nevoa.objects import NAMES, Objects
from nevoa.parallel.device import devices
from nevoa.runs import RUNS, Run, journal, load, status_of
from nevoa.runs.horizon import Horizon
from nevoa.runs.journal import Costs
from nevoa.training.lora import check_adaptable
from nevoa.training.memory import count_parameters, count_trained
from nevoa.training.planning import plan
from nevoa.training.resume import data_as_recorded, recorded_in, refuse_less, time_spent
from nevoa.training.start import check_suits, start_weights, warn_of_lost
from nevoa.training.state import TrainingState


@dataclass(frozen=True)
class Job:
    """A training that is ready to start.

    Attributes:
        config: what was asked.
        plan: what was decided.
        images: loaded once, for every step.
        objects: given in place of names.
        costs: measured seconds; None if nothing had to be measured.
        started: `time.perf_counter()` at which the minutes began.
        start: the weights to start from; random ones if None.
        cools_down: whether the cool-down begins at once, wherever the run is.
        horizons: of a run that is repeated, by the `images_seen` at which each begins; else the budget decides.
        accept_changes: resume although settings, data or torch differ.

    Example:
        >>> job = prepare(config)
        >>> job.parameters
        12556
    """

    config: Config
    plan: Plan
    images: ImageSet
    objects: Objects = NAMES
    costs: Costs | None = None
    started: float = 0.0
    start: Mapping[str, Tensor] | None = None
    cools_down: bool = False
    horizons: Mapping[int, Horizon] = field(default_factory=dict[int, Horizon])
    accept_changes: bool = False

    def fresh_state(self) -> TrainingState:
        """The state before the first step."""
        state = TrainingState.fresh(self.plan, self.images.shape, self.objects)
        if self.start is not None:
            state.start_from(self.start)
        return state

    @property
    def parameters(self) -> int:
        """Number of the network's parameters."""
        return count_parameters(self.plan, self.images.shape[0], self.objects)

    @property
    def trained(self) -> int:
        """Number of the parameters that are trained: those of the network, or of its adapters."""
        return count_trained(self.plan, self.images.shape[0], self.objects)


@dataclass(frozen=True)
class Wish:
    """The objects and choices that a caller gives beside a config.

    Attributes:
        objects: in place of names.
        start: the model that `config.training.start` names; not needed for "auto", nor to resume unless adapters are
            trained.
        started: `time.perf_counter()` at which the config's minutes began; None: once the images are loaded.
        accept_changes: resume although settings, data or torch differ.
        cool_down: seconds in which to end an existing run, whatever its budget.

    Example:
        >>> job = prepare(config, wish=Wish(accept_changes=True))
    """

    objects: Objects = NAMES
    start: Model | None = None
    started: float | None = None
    accept_changes: bool = False
    cool_down: float | None = None


def default_folder(config: Config, preset: str) -> Path:
    """The default run folder: runs/SOURCE-PRESET.

    Example:
        >>> default_folder(nevoa.configure("photos/", steps=100), "quick").name
        'photos-quick'
    """
    return RUNS / f"{short_name(config.data.source.removeprefix(f'{OBJECT}:'))}-{preset}"


def prepare(config: Config, images: ImageSet | None = None, wish: Wish = Wish(), run: Run | None = None) -> Job:
    """Plan a training in memory, or for a run folder; an existing run is resumed. Writes nothing.

    A NevoaError if the folder holds something else, if another process trains the run, if its settings or data
    differ, or if it has taken more than the budget.

    Args:
        images: loaded from `config.data` if None.

    Example:
        >>> job = prepare(config, run=nevoa.Run("runs/new"))
    """
    recorded, resumes = (None, False) if run is None else recorded_in(run, config.data.source)
    images = load_images(data_as_recorded(config.data, recorded)) if images is None else images
    started = time.perf_counter() if wish.started is None else wish.started
    if run is not None and wish.cool_down is not None:
        config = _ending(config, run, wish.cool_down)
    options = {"started": started, "records": run is not None, "accept_changes": wish.accept_changes}
    start = None if wish.start is None else wish.start.plan
    if wish.start is not None and not resumes:
        check_suits(wish.start, images)
    decided, costs = plan(config, images, wish.objects, recorded, start=start, **options)
    if run is not None and recorded is not None and wish.cool_down is None:
        refuse_less(recorded.plan, decided, run)
    if start is not None and not resumes and config.training.condition == "auto":
        warn_of_lost(start.kinds, decided.kinds, images.name)
    if config.training.start == "auto" and decided.training.start and not resumes:
        wish = replace(wish, start=load(decided.training.start, "cpu"))
    weights = _start(decided, wish, resumes, images)
    known = Job(config, decided, images, wish.objects, costs, started, weights)
    return replace(known, cools_down=wish.cool_down is not None, accept_changes=wish.accept_changes)


def repetition(plan_file: Path, run: Run, start: Model | None = None) -> Job:
    """A job that repeats a run bit for bit: by its plan, and by the horizons in the journal beside it.

    Args:
        run: the new run.
        start: the model that the plan starts from, if any.

    A NevoaError if the images have changed, or the device is not there.

    Example:
        >>> job = repetition(Path("runs/first/plan.toml"), nevoa.Run("runs/again"))
    """
    made, beside = read_toml(plan_file, Plan), Run(plan_file.parent)
    _, resumes = recorded_in(run, made.data.source)
    images = load_images(made.data)
    if images.fingerprint != made.data.fingerprint:
        changed = changed_files(made.data.fingerprint, images.fingerprint) or ""
        raise NevoaError(f"The images of {made.data.source} have changed since {plan_file} was made. {changed}".strip())
    if made.training.device not in devices():
        raise NevoaError(f"{plan_file} was made for {made.training.device}, which this machine lacks: use --config.")
    weights = _start(made, Wish(start=start), resumes, images)
    horizons = journal.horizons(journal.read(beside))
    return Job(beside.config(), made, images, start=weights, started=time.perf_counter(), horizons=horizons)


def _ending(config: Config, run: Run, cool_down: float) -> Config:
    """The config with minutes for what the run has taken and its cool-down."""
    if status_of(run)[0] == "finished":
        raise NevoaError(f"{run.folder} is finished: to train it for longer, give more minutes, epochs or steps.")
    return with_budget(config, {"minutes": (time_spent(run) + cool_down) / 60})


def _start(decided: Plan, wish: Wish, resumes: bool, images: ImageSet) -> Mapping[str, Tensor] | None:
    """The weights to start from. A NevoaError if they are those of a model that was not given."""
    if resumes and not decided.training.lora:
        return None  # its checkpoint has all weights
    if wish.start is not None:
        if wish.start.guide is None and decided.training.teacher_autoguidance != 1:
            raise NevoaError("The teacher has no guide: leave training.teacher_autoguidance out.")
        if decided.training.lora:
            check_adaptable(wish.start.plan, decided)
        network = merged(TrainingState.fresh(decided, images.shape, wish.objects).network)
        return start_weights(wish.start, network, decided.classes, decided.conditions)
    if place := decided.training.start:
        raise NevoaError(f"This training starts from the model of {place}: give it as start=nevoa.load(…).")
    return None
