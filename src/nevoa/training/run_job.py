"""A job for a run folder: a new run, or one that goes on."""

from dataclasses import replace
from pathlib import Path

from nevoa.config import Config
from nevoa.data import ImageSet, images_beside, short_name
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.network_config import OBJECT
from nevoa.objects import NAMES, Objects
from nevoa.presets import with_budget
from nevoa.runs import RUNS, Run, checkpoint, refuse_if_training, status_of
from nevoa.training.distributed import on_every_process
from nevoa.training.job import Earlier, Job, resolve
from nevoa.training.plan import check_disk
from nevoa.training.prolong import measured_costs, refuse_less, time_spent
from nevoa.training.resume import config_of, with_holdout_of


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
    """`resolve` for a run folder; an existing run is resumed. Writes nothing.

    A NevoaError if the folder holds something else, if another process trains the run, if its settings or data
    differ, or if it has taken more than the budget.

    Args:
        cool_down: seconds in which to end an existing run, whatever its budget.
        accept_changes: resume although settings, data or torch differ.
        start: the model that `config.training.start` names; not needed to resume.

    Example:
        >>> job = resolve_run(config, Path("runs/new"))
    """

    def settled(images: ImageSet | None) -> Job:
        return _resolve_run(config, folder, images, objects, started, cool_down, accept_changes, start)

    return on_every_process(settled, config, images, objects)


def _resolve_run(
    config: Config,
    folder: Path,
    images: ImageSet | None,
    objects: Objects,
    started: float | None,
    cool_down: float | None,
    accept_changes: bool,
    start: Model | None,
) -> Job:
    run = Run(folder)
    saved = config_of(run)
    if saved is None and run.holds_other_files:
        raise NevoaError(f"{folder} exists and is not a run. Choose another --out.")
    if saved is None and (beside := images_beside(config.data.source, folder)):
        raise NevoaError(f"The run {folder} would lie among the images in {beside}: choose an --out elsewhere.")
    refuse_if_training(run)
    done = checkpoint.checkpoints(run.checkpoints)
    finished = status_of(run)[0] == "finished"
    if saved is not None and not done and (finished or not run.checkpoints.is_dir()):
        raise NevoaError(
            f"{folder} has lost its checkpoints, so it cannot be resumed. Put them back, or choose another --out."
        )
    if cool_down is not None and finished:
        raise NevoaError(f"{folder} is finished: to train it for longer, give more minutes, epochs or steps.")
    if cool_down is not None:
        config = with_budget(config, {"minutes": (time_spent(run) + cool_down) / 60})
    config = with_holdout_of(saved, config)
    earlier = Earlier(saved, measured_costs(run)) if saved else None
    options = {"objects": objects, "started": started, "accept_changes": accept_changes, "start": start}
    job = resolve(config, images, earlier=earlier, **options)
    check_start(job, bool(done))
    if cool_down is not None:
        job = replace(job, cools_down=True)
    elif saved is not None:
        refuse_less(job, run, saved)
    if not finished:
        check_disk(job.parameters, job.config.training, folder)
    return job


def check_start(job: Job, resumes: bool = False) -> None:
    """Raise a NevoaError if the model that a new training starts from was not given."""
    if (place := job.config.training.start) and job.start is None and not resumes:
        raise NevoaError(f"This training starts from the model of {place}: give it as start=nevoa.load(…).")
