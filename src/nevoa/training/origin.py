"""Where an existing run goes on: from its newest checkpoint, or with a longer budget from before its cool-down."""

import time
from dataclasses import dataclass
from pathlib import Path

from nevoa._util.files import remove
from nevoa.config import Plan
from nevoa.runs import Run, checkpoint, journal, status_of
from nevoa.runs.horizon import Horizon
from nevoa.runs.journal import Costs
from nevoa.training.budget import FIXED, Budget
from nevoa.training.checkpoint import read_progress
from nevoa.training.job import Job
from nevoa.training.resume import has_other_budget
from nevoa.training.state import TrainingState


@dataclass(frozen=True)
class Origin:
    """Where a training goes on.

    Attributes:
        checkpoint: to start from; None for the beginning.
        images_seen: there.
        extends: whether the run was made with another budget.
        finished: whether the run has ended, and is not extended.

    Example:
        >>> origin_of(prepare(config), nevoa.Run("runs/new"))
        Origin(checkpoint=None, images_seen=0, extends=False, finished=False)
    """

    checkpoint: Path | None = None
    images_seen: int = 0
    extends: bool = False
    finished: bool = False


def origin_of(job: Job, run: Run) -> Origin:
    """Where a job goes on in a run folder.

    With another budget it is the newest checkpoint from before the cool-down, if there is one, so that the learning
    rate goes on as if that budget had been the first. A cool-down that begins now starts from the newest of all, and a
    run that has ended after as many images stays as it is.
    """
    newest = checkpoint.newest(run.checkpoints)
    if newest is None:
        return Origin(extends=run.exists and has_other_budget(run.plan(), job.plan))
    extends = has_other_budget(checkpoint.plan_of(newest), job.plan) or _has_other_horizon(run, job.plan)
    keeps = job.cools_down or not extends or _ends_at(job.plan, newest)
    path = newest if keeps else checkpoint.newest_warm(run.checkpoints) or newest
    finished = not extends and status_of(run)[0] == "finished"
    return Origin(path, read_progress(path).images_seen, extends, finished)


def budget_of(state: TrainingState, job: Job, run: Run, origin: Origin) -> Budget:
    """The budget of a training that goes on in a run folder. Drops what the run holds from after its origin.

    The first horizon of a budget is written into the journal.
    """
    training = job.plan.training
    known = journal.horizons(journal.read(run))
    if job.horizons and not known:
        known = dict(job.horizons)
        for seen, horizon in known.items():
            journal.write(run, "moved" if seen else "planned", seen, horizon=horizon)
    is_timed = training.minutes is not None and not job.horizons
    costs = (job.costs or journal.costs_of(run)) if is_timed else None
    budget = Budget(training, costs, job.started, state.spent, known, (state.work, state.seconds))
    if not known or origin.extends:
        images = training.images
        if origin.checkpoint is not None and costs is not None:
            images = budget.fitting(state.images_seen, costs.image)
        goes_on = job.cools_down or state.cooled == 0
        first = Horizon(images, state.images_seen, state.cooled, job.cools_down) if goes_on else Horizon(images)
        _drop_after(run, origin.checkpoint)
        event = "planned" if origin.checkpoint is None else "extended"
        journal.write(run, event, state.images_seen, horizon=first, seconds=budget.spent, costs=costs)
        earlier = {seen: horizon for seen, horizon in known.items() if seen < state.images_seen}
        budget.decided = {**earlier, state.images_seen: first}
    state.horizon = budget.decided.get(state.images_seen, state.horizon)
    return budget


def _has_other_horizon(run: Run, plan: Plan) -> bool:
    """Whether a run of steps began another budget, and was killed before it had a checkpoint of that."""
    begun = [entry.horizon for entry in journal.read(run) if entry.event in ("planned", "extended")]
    last = begun[-1] if begun else None
    return plan.training.minutes is None and last is not None and last.images != plan.training.images


def _ends_at(plan: Plan, path: Path) -> bool:
    """Whether a checkpoint is the end of a plan's training; the images of a budget of minutes are not known."""
    progress, training = read_progress(path), plan.training
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
