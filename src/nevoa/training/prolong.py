"""Where an existing run goes on: from its newest checkpoint, or with a longer budget from before its cool-down."""

import time
from dataclasses import replace
from pathlib import Path

from nevoa._util.files import remove
from nevoa.config import Config
from nevoa.errors import NevoaError
from nevoa.runs import Run, checkpoint, decisions
from nevoa.runs.decisions import Costs, Decision
from nevoa.runs.manifest import STATE
from nevoa.training.course import Course
from nevoa.training.job import Job
from nevoa.training.pace import Pace
from nevoa.training.resume import budget_of
from nevoa.training.snapshot import read_progress
from nevoa.training.state import TrainingState


def has_other_budget(job: Job, run: Run, path: Path | None) -> bool:
    """Whether a checkpoint, or without one the run, was made with another budget than the job's."""
    config = checkpoint.config_of(path) if path else run.config() if run.exists else None
    return config is not None and budget_of(config.training) != budget_of(job.config.training)


def starting_point(job: Job, run: Run) -> Path | None:
    """Return the checkpoint to go on from; None to start from the beginning.

    With another budget it is the newest from before the cool-down, if there is one, so that the learning rate goes on
    as if that budget had been the first. A cool-down that begins now starts from the newest of all, and a run that
    has ended after as many steps stays as it is.
    """
    newest = checkpoint.newest(run.checkpoints)
    if newest is None or job.cools_down or not has_other_budget(job, run, newest) or _ends_at(job, newest):
        return newest
    return checkpoint.newest_warm(run.checkpoints) or newest


def steps_done(job: Job, run: Run) -> int:
    """The number of steps that are done where the job goes on."""
    origin = starting_point(job, run)
    return 0 if origin is None else read_progress(origin / STATE).step


def _ends_at(job: Job, path: Path) -> bool:
    """Whether a checkpoint is the end of a training of the job's steps; those of a budget of minutes are not known."""
    progress, training = read_progress(path / STATE), job.config.training
    ended = progress.course is not None and progress.course.steps == progress.step
    return ended and training.minutes is None and training.steps == progress.step


def set_course(state: TrainingState, job: Job, run: Run, origin: Path | None) -> Pace | None:
    """Set the course of a restored state, and drop what the run holds from after it. Return the pace, if any."""
    made, costs = list(decisions.read(run)), job.costs or measured_costs(run)
    is_new = has_other_budget(job, run, origin) or (origin is None and not (made and run.exists))
    if is_new:
        steps, goes_on = job.config.training.steps or 0, job.cools_down or state.cooled() == 0
        course = Course(steps, state.step, state.cooled(), job.cools_down)
        state.follow(course if goes_on else Course(steps))
        decisions.cut(run, state.step)
        _drop_after(run, origin)
    else:
        decisions.cut(run)
        state.follow(state.course if origin or not made else Course(made[0].steps))
    if job.config.training.minutes is None or costs is None or not (job.is_paced or made):
        return None
    ahead = {} if is_new else {decision.step: decision.steps for decision in made}
    pace = Pace(job.config.training, costs, job.started, state.spent, ahead, (state.work, state.seconds))
    if is_new:
        _decide_first(pace, state, run)
    return pace


def _decide_first(pace: Pace, state: TrainingState, run: Run) -> None:
    """Decide on the number of steps of a new budget."""
    steps = pace.fitting(state.step, pace.costs.step)
    state.follow(replace(state.course, steps=steps))
    decisions.append(run, Decision(step=state.step, steps=steps, spent=pace.spent, costs=pace.costs))


def _drop_after(run: Run, origin: Path | None) -> None:
    """Remove checkpoints that are newer than the one that training goes on from: they belong to the shorter course."""
    for path in checkpoint.checkpoints(run.checkpoints):
        if origin is not None and path > origin:
            remove(path)


def measured_costs(run: Run) -> Costs | None:
    """The costs that a run with a budget of minutes was planned with."""
    measured = [decision.costs for decision in decisions.read(run) if decision.costs]
    return measured[-1] if measured else None


def pace_in_memory(job: Job) -> Pace | None:
    """The pace of a training that has no folder: nothing but steps takes time."""
    if not job.is_paced:
        return None
    training = job.config.training
    seconds = 60 * (training.minutes or 0) - (time.perf_counter() - job.started)
    return Pace(training, Costs(seconds / (training.steps or 1), 0.0, 1, 0.0), job.started)


def time_spent(run: Run) -> float:
    """Seconds that the newest checkpoint of a run took."""
    newest = checkpoint.newest(run.checkpoints)
    progress = None if newest is None else read_progress(newest / STATE)
    return (progress.spent or progress.seconds) if progress else 0.0


def refuse_less(job: Job, run: Run, saved: Config) -> None:
    """Raise a NevoaError if the run has already taken more than the job's budget.

    Args:
        saved: the run's config.
    """
    training = job.config.training
    if training.minutes is None:
        taken = checkpoint.newest_saved(run.checkpoints) // training.known_batch_size
        allowed, unit = training.steps or 0, "steps"
    elif budget_of(saved.training) != budget_of(training):
        taken, allowed, unit = time_spent(run) / 60, training.minutes, "minutes"
    else:
        return
    if taken > allowed:
        raise NevoaError(
            f"This run has taken {taken:,.4g} {unit} already, and the budget allows {allowed:,.4g}. Ask for more "
            "minutes, epochs or steps."
        )
