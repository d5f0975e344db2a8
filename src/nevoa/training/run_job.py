"""A job for a run folder: a new run, or one that goes on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from nevoa.config import Config
from nevoa.config.network import OBJECT
from nevoa.config.presets import with_budget
from nevoa.data import ImageSet, images_beside, short_name
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.objects import NAMES, Objects
from nevoa.runs import RUNS, Run, checkpoint, refuse_if_training, status_of
from nevoa.training.distributed import on_every_process
from nevoa.training.job import Earlier, Job, resolve
from nevoa.training.plan import check_disk
from nevoa.training.prolong import measured_costs, refuse_less, time_spent
from nevoa.training.resume import config_of, with_holdout_of, with_start_of


def default_folder(config: Config, preset: str) -> Path:
    """The default run folder: runs/SOURCE-PRESET.

    Example:
        >>> default_folder(nevoa.configure("photos/", steps=100), "quick").name
        'photos-quick'
    """
    return RUNS / f"{short_name(config.data.source.removeprefix(f'{OBJECT}:'))}-{preset}"


def resolve_run(
    config: Config,
    folder: Path,
    images: ImageSet | None = None,
    *,
    objects: Objects = NAMES,
    started: float | None = None,
    cool_down: float | None = None,
    accept_changes: bool = False,
    start: Model | None = None,
) -> Job:
    """`resolve` for a run folder; an existing run is resumed. Writes nothing there.

    A NevoaError if the folder holds something else, if another process trains the run, if its settings or data
    differ, or if it has taken more than the budget.

    Args:
        cool_down: seconds in which to end an existing run, whatever its budget.
        accept_changes: resume although settings, data or torch differ.
        start: the model that `config.training.start` names; not needed to resume.

    Example:
        >>> job = resolve_run(config, Path("runs/new"))
    """

    options = {"objects": objects, "started": started, "accept_changes": accept_changes, "start": start}

    def settled(images: ImageSet | None) -> Job:
        return _resolve_run(config, Run(folder), images, cool_down, **options)

    return on_every_process(settled, config, images, objects)


def _resolve_run(config: Config, run: Run, images: ImageSet | None, cool_down: float | None, **options: Any) -> Job:
    saved, finished = config_of(run), status_of(run)[0] == "finished"
    resumes = bool(checkpoint.checkpoints(run.checkpoints))
    _check_folder(run, config.data.source, saved is not None, resumes, finished)
    if cool_down is not None:
        config = _ending(config, run, cool_down, finished)
    if saved is not None and resumes:
        config = with_start_of(saved, config)
    earlier = Earlier(saved, measured_costs(run)) if saved else None
    job = resolve(with_holdout_of(saved, config), images, earlier=earlier, **options)
    check_start(job, resumes)
    if saved is not None and cool_down is None:
        refuse_less(job, run, saved)
    if not finished:
        check_disk(job.parameters, job.config.training, run.folder)
    return replace(job, cools_down=cool_down is not None)


def _check_folder(run: Run, source: str, is_run: bool, resumes: bool, finished: bool) -> None:
    """Raise a NevoaError if the folder cannot hold this run, or cannot resume it."""
    if not is_run and run.holds_other_files:
        raise NevoaError(f"{run.folder} exists and is not a run. Choose another --out.")
    if not is_run and (beside := images_beside(source, run.folder)):
        raise NevoaError(f"The run {run.folder} would lie among the images in {beside}: choose an --out elsewhere.")
    refuse_if_training(run)
    if is_run and not resumes and (finished or not run.checkpoints.is_dir()):
        raise NevoaError(
            f"{run.folder} has lost its checkpoints, so it cannot be resumed. Put them back, or choose another --out."
        )


def _ending(config: Config, run: Run, cool_down: float, finished: bool) -> Config:
    """The config with minutes for what the run has taken and its cool-down."""
    if finished:
        raise NevoaError(f"{run.folder} is finished: to train it for longer, give more minutes, epochs or steps.")
    return with_budget(config, {"minutes": (time_spent(run) + cool_down) / 60})


def check_start(job: Job, resumes: bool = False) -> None:
    """Raise a NevoaError if the model that a new training starts from was not given."""
    if (place := job.config.training.start) and job.start is None and not resumes:
        raise NevoaError(f"This training starts from the model of {place}: give it as start=nevoa.load(…).")
