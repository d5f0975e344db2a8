"""From a config to a trained run."""

import os
import platform
import socket
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nevoa._util.arguments import path_of, yes_or_no
from nevoa._util.files import explained, sweep
from nevoa._util.versions import OtherVersion
from nevoa.config import Config, DataConfig
from nevoa.config.plan import edits
from nevoa.data import load_images
from nevoa.data.load import data_config
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.objects import Objects
from nevoa.parallel.group import process_group
from nevoa.runs import Run, checkpoint, journal, model_files, training_lock
from nevoa.runs.check import check_adapters
from nevoa.training.budget import FIXED
from nevoa.training.checkpoint import restore
from nevoa.training.distributed import InitialState, interruptible, prepare_together, train_along
from nevoa.training.forecast import check_disk
from nevoa.training.held_out import HeldOut
from nevoa.training.job import Job, Wish
from nevoa.training.loop import training_steps, weighing_guide
from nevoa.training.origin import budget_in_memory, budget_of, origin_of
from nevoa.training.recorder import Recorder, preview_asked, publish
from nevoa.training.resume import check_changes_train
from nevoa.training.start import check_start
from nevoa.training.state import TrainingState
from nevoa.training.step import Step
from nevoa.version import __version__


def fit(
    config: Config,
    out: str | PathLike[str] | None = None,
    *,
    images: Any = None,
    network: nn.Module | None = None,
    schedule: Any = None,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    accept_changes: bool = False,
    start: Model | None = None,
) -> Generator[Step, None, None]:
    """Train, yielding every step. Ctrl-C ends the step and, with a run folder, saves it.

    Args:
        out: the run folder; the same call resumes it. None trains in memory and writes nothing: `step.model` is the
            averaged model.
        images: what to train on in place of `config.data.source`: a path or a name, to which the other keys of
            `config.data` apply; a `DataConfig`, in place of all of them; or images in memory, which are used as they
            are.
        network, schedule, loss: objects in place of those that the config names: `nevoa.objects.Objects`.
        accept_changes: resume although settings, data or torch differ.
        start: the model to start from, which the config was made for: `configure(..., start=starting_from(model))`.

    Raises:
        NevoaError: the config, the images and the objects do not go together, memory or disk space does not suffice,
            or the run folder holds another training.

    Example:
        >>> for step in nevoa.fit(nevoa.configure("fashion_mnist_10k", steps=100)):
        ...     print(step.images_seen, step.loss)
    """
    if not isinstance(config, Config):
        raise NevoaError(f"config must be a nevoa.Config, not {config!r:.60}: make one with nevoa.configure(SOURCE).")
    check_start(start)
    accept_changes = yes_or_no("accept_changes", accept_changes)
    if isinstance(images, str | Path | DataConfig):
        keys = set(DataConfig.model_fields) if isinstance(images, DataConfig) else {"source"}
        config, images = config.updated("data", **data_config(images).model_dump(include=keys)), None
    loaded = None if images is None else load_images(images)
    wish = Wish(Objects(network, schedule, loss), start, accept_changes=accept_changes)
    if out is not None:
        run = Run(path_of("out", out))
        return fit_job(prepare_together(config, loaded, wish, run), run)
    job = prepare_together(config, loaded, wish)
    state = job.fresh_state()
    initial = process_group().broadcast(lambda: InitialState.of(state, FIXED, None))
    if initial.weights:
        state.start_from(initial.weights)
    steps = training_steps(state, job.images, budget_in_memory(job))
    return interruptible(weighing_guide(steps, state, job.images))


def fit_job(job: Job, run: Run) -> Generator[Step, None, None]:
    """Train a job into a run folder, from where it goes on (`origin_of`). The folder is locked meanwhile.

    Example:
        >>> run = nevoa.Run("runs/again")
        >>> *_, last = fit_job(prepare(config, run=run), run)
    """
    group = process_group()
    if group.rank:
        yield from train_along(job)
        return
    with group.sharing_errors():
        if not origin_of(job, run).finished:
            check_disk(job, run.folder)
        elif last := checkpoint.saved_plan(run.checkpoints):
            check_changes_train(last, job.plan)
    with group.sharing_errors(), training_lock(run):
        sweep(run.folder)
        state, origin = job.fresh_state(), origin_of(job, run)
        if origin.checkpoint is not None:
            restore(state, origin.checkpoint, accept_changes=job.accept_changes)
            _restore_model(run, state)
        with explained("write", run.checkpoints):
            run.checkpoints.mkdir(exist_ok=True)  # from here on, a run without this folder has lost it
        journal.mend(run)
        budget = budget_of(state, job, run, origin)
        _write_plan(run, job)
        run.cut(state.images_seen)
        asked = preview_asked(state.plan, job.images)
        recorder = Recorder(run, state, origin.checkpoint, HeldOut.of(state.plan, job.images), asked)
        if not group.alone:
            group.broadcast(lambda: InitialState.of(state, budget, origin.checkpoint))
        reported = recorder.report(training_steps(state, job.images, budget))
        steps = recorder.record(weighing_guide(reported, state, job.images))
        with _journaled(run, state), closing(steps):
            yield from interruptible(steps)


def _write_plan(run: Run, job: Job) -> None:
    """Write what was asked and what was decided, and say so if the plan was edited."""
    present = None
    with suppress(NevoaError):
        present = run.plan() if run.exists else job.plan
    last = checkpoint.saved_plan(run.checkpoints) or present
    if present is None:
        warnings.warn(f"{run.plan_file} could not be read; it is restored.", stacklevel=2)
    elif last is not None and (edited := edits(last, present)):
        warnings.warn(
            f"{run.plan_file} differed from the checkpoint ({', '.join(edited)}); it is restored.", stacklevel=2
        )
    run.write(job.config, job.plan)


@contextmanager
def _journaled(run: Run, state: TrainingState) -> Iterator[None]:
    """Record that a training started and how it ended, unless there is nothing left to do."""
    if state.images_seen >= state.horizon.images and journal.status(run)[0] == "finished":
        yield
        return
    about = {"nevoa": __version__, "torch": torch.__version__, "python": platform.python_version()}
    place = {"host": socket.gethostname(), "pid": os.getpid(), "device": state.device}
    journal.write(run, "started", state.images_seen, about={**about, **place}, seconds=state.spent)
    try:
        yield
    except BaseException as error:
        stopped = isinstance(error, GeneratorExit | KeyboardInterrupt | SystemExit)
        with suppress(NevoaError):  # if the disk failed, the first error is the one to report
            message = "" if stopped else str(error)
            journal.write(run, "stopped" if stopped else "failed", state.images_seen, message=message)
        raise
    journal.write(run, "finished", state.images_seen, seconds=state.spent)


def _restore_model(run: Run, state: TrainingState) -> None:
    """Publish the checkpoint's model if the published one, or what is apart from it, is damaged or missing."""
    try:
        model_files.check(run.weights_file, run.model_config_file)
        if state.plan.training.lora:
            check_adapters(run)
    except OtherVersion:
        raise
    except NevoaError:
        publish(run, state)
