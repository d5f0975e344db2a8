"""Where an existing run goes on: from its newest checkpoint, or with a longer budget from before its cool-down."""

import time
from pathlib import Path

from nevoa._util.files import remove
from nevoa.runs import Run, checkpoint, journal, status_of
from nevoa.runs.horizon import Horizon
from nevoa.runs.journal import Costs
from nevoa.training.budget import FIXED, Budget
from nevoa.training.checkpoint import read_progress
from nevoa.training.job import Job
from nevoa.training.resume import has_other_budget
from nevoa.training.state import TrainingState


def starting_point(job: Job, run: Run) -> Path | None:
    """Return the checkpoint to go on from; None to start from the beginning.

    With another budget it is the newest from before the cool-down, if there is one, so that the learning rate goes on
    as if that budget had been the first. A cool-down that begins now starts from the newest of all, and a run that
    has ended after as many images stays as it is.
    """
    newest = checkpoint.newest(run.checkpoints)
    if newest is None or job.cools_down or not extends(job, run, newest) or _ends_at(job, newest):
        return newest
    return checkpoint.newest_warm(run.checkpoints) or newest


def images_done(job: Job, run: Run) -> int:
    """`images_seen` where the job goes on."""
    origin = starting_point(job, run)
    return 0 if origin is None else read_progress(origin).images_seen


def is_finished(job: Job, run: Run) -> bool:
    """Whether a run has ended, and the job does not extend it."""
    newest = checkpoint.newest(run.checkpoints) if status_of(run)[0] == "finished" else None
    return newest is not None and not extends(job, run, newest)


def extends(job: Job, run: Run, origin: Path | None) -> bool:
    """Whether a checkpoint, or without one the run, was made with another budget than the job's."""
    was = checkpoint.plan_of(origin) if origin else run.plan() if run.exists else None
    return was is not None and has_other_budget(was, job.plan)


def budget_of(state: TrainingState, job: Job, run: Run, origin: Path | None) -> Budget:
    """The budget of a training that goes on from a checkpoint. Drops what the run holds from after it.

    The first horizon of a budget is written into the journal.
    """
    training = job.plan.training
    if job.horizons and not list(journal.read(run)):
        for seen, horizon in job.horizons.items():
            journal.write(run, "moved" if seen else "planned", seen, horizon=horizon)
    known = journal.horizons(journal.read(run))
    is_timed = training.minutes is not None and not job.horizons
    costs = (job.costs or journal.costs_of(run)) if is_timed else None
    is_new = not known or extends(job, run, origin)
    budget = Budget(training, costs, job.started, state.spent, known, (state.work, state.seconds))
    if is_new:
        images = training.images if origin is None or costs is None else budget.fitting(state.images_seen, costs.image)
        goes_on = job.cools_down or state.cooled == 0
        first = Horizon(images, state.images_seen, state.cooled, job.cools_down) if goes_on else Horizon(images)
        _drop_after(run, origin)
        event = "planned" if origin is None else "extended"
        journal.write(run, event, state.images_seen, horizon=first, seconds=budget.spent, costs=costs)
        budget.decided = journal.horizons(journal.read(run))
    state.horizon = budget.decided.get(state.images_seen, state.horizon)
    return budget


def _ends_at(job: Job, path: Path) -> bool:
    """Whether a checkpoint is the end of a training of the job's images; those of a budget of minutes are not known."""
    progress, training = read_progress(path), job.plan.training
    ended = progress.horizon.images <= progress.images_seen
    return ended and training.minutes is None and training.images == progress.images_seen


def _drop_after(run: Run, origin: Path | None) -> None:
    """Remove checkpoints that are newer than the one that training goes on from: they belong to the shorter budget."""
    for path in checkpoint.checkpoints(run.checkpoints):
        if origin is not None and path > origin:
            remove(path)


def budget_in_memory(job: Job) -> Budget:
    """The budget of a training that has no folder: nothing but steps takes time."""
    training = job.plan.training
    if training.minutes is None:
        return FIXED
    seconds = 60 * training.minutes - (time.perf_counter() - job.started)
    return Budget(training, Costs(seconds / training.images, 0.0, 1, 0.0), job.started)
