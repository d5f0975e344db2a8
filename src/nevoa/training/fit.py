"""From a config to a trained run."""

import platform
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Unpack

import torch

import nevoa
from nevoa._util.files import explained, sweep
from nevoa.config import Config
from nevoa.data import short_name
from nevoa.errors import NevoaError
from nevoa.presets import DEFAULT_PRESET, TrainingOptions, configure
from nevoa.runs import RUNS, Run, checkpoint, refuse_if_training, status_of, training_lock
from nevoa.training.loop import Step, training_steps
from nevoa.training.plan import Profile, check_disk, resolve
from nevoa.training.progress import show_progress
from nevoa.training.recorder import Recorder
from nevoa.training.resume import difference
from nevoa.training.snapshot import restore
from nevoa.training.state import TrainingState


def default_folder(config: Config, preset: str) -> Path:
    """Where a run goes when nobody says: runs/SOURCE-PRESET."""
    return RUNS / f"{short_name(config.data.source)}-{preset}"


def resolve_run(config: Config, folder: Path, started: float | None = None, *, accept_changes: bool = False) -> Profile:
    """`resolve` for a run folder: one that is there is gone on with. Writes nothing into it.

    A NevoaError if the folder is no run, is being trained, or is of a run with other settings or data.

    Args:
        accept_changes: go on with a run although settings, data or torch differ.
    """
    run = Run(folder)
    saved = run.config() if run.exists else None
    if saved is None and run.holds_other_files:
        raise NevoaError(f"{folder} is there already and is no run. Choose another --out.")
    refuse_if_training(run)
    finished = status_of(run)[0] == "finished"
    if saved is not None and (finished or not run.checkpoints.is_dir()) and not checkpoint.checkpoints(run.checkpoints):
        raise NevoaError(
            f"{folder} is a run whose checkpoints are gone: there is nothing to go on from. Put them back, or choose "
            "another --out."
        )
    trial = resolve(config, saved, started, accept_changes=accept_changes)
    if not finished:
        check_disk(trial, folder)
    return trial


def fit(config: Config, out: str | Path | None = None, *, accept_changes: bool = False) -> Generator[Step, None, None]:
    """Train, yielding every step.

    Args:
        out: the run folder; the same call again resumes it. None trains in memory and writes nothing: `step.model`
            is the averaged model as it stands.
        accept_changes: go on with a run although settings, data or torch differ.
    """
    if out is not None:
        trial = resolve_run(config, Path(out), accept_changes=accept_changes)
        return fit_resolved(trial, Path(out), accept_changes=accept_changes)
    trial = resolve(config, recorded=False)
    return training_steps(TrainingState.fresh(trial.config, trial.images.shape), trial.images)


def fit_resolved(trial: Profile, folder: Path, *, accept_changes: bool = False) -> Generator[Step, None, None]:
    """Train into a run folder, from its newest whole checkpoint if it has one. It is this process's while it lasts."""
    run = Run(folder)
    with training_lock(run) as begin:
        sweep(folder)
        state, newest = TrainingState.fresh(trial.config, trial.images.shape), checkpoint.newest(run.checkpoints)
        if newest is not None:
            restore(state, newest, accept_changes=accept_changes)
        with explained("write", run.checkpoints):
            run.checkpoints.mkdir(exist_ok=True)  # from here on, a run without it has lost it
        _write_config(run, state)
        begin()
        run.cut_metrics(state.images_seen)
        yield from Recorder(run, state, len(trial.images), newest).record(training_steps(state, trial.images))


def _write_config(run: Run, state: TrainingState) -> None:
    """The config of a new run; of one that is gone on with only what was changed, with a word about it."""
    saved = run.config() if run.exists else None
    if saved == state.config:
        return
    about = {"nevoa": nevoa.__version__, "torch": torch.__version__, "python": platform.python_version()}
    if saved is not None:
        about["changed"] = f"after {state.images_seen:,} images: {difference(saved, state.config)}"
    run.write_config(state.config, about)


def train(
    source: str | None = None,
    preset: str = DEFAULT_PRESET,
    *,
    out: str | Path | None = None,
    options: Sequence[str] = (),
    accept_changes: bool = False,
    progress: bool = True,
    **wishes: Unpack[TrainingOptions],
) -> Run:
    """Train a model and return its run. The same call again resumes or, when it is finished, returns at once.

    Args:
        source: a folder of images, a file of them, or a named data set; the preset's own if None.
        out: the run folder; runs/SOURCE-PRESET if None.
        options: "section.key=value", as on the command line.
        accept_changes: go on with a run although settings, data or torch differ.
        wishes: minutes, size, only (the classes to use), conditional and more: `nevoa.presets.TrainingOptions`.

    Example:
        run = nevoa.train("fashion_mnist_10k", minutes=5)
        images = run.model().sample(64)
    """
    config = configure(source, preset, options=options, **wishes)
    folder = Path(out) if out is not None else default_folder(config, preset)
    trial = resolve_run(config, folder, accept_changes=accept_changes)
    stream = fit_resolved(trial, folder, accept_changes=accept_changes)
    for _ in show_progress(stream, trial.config.training) if progress else stream:
        pass
    return Run(folder)
