"""From a config to a trained run."""

import platform
from collections.abc import Generator
from pathlib import Path

import tomli_w
import torch

import nevoa
from nevoa.config import Config, to_toml
from nevoa.errors import NevoaError
from nevoa.files import write_text
from nevoa.presets import DEFAULT_PRESET, configure
from nevoa.run import RUNS, Run
from nevoa.training import checkpoint
from nevoa.training.loop import Step, training_steps
from nevoa.training.plan import Trial, check_disk, resolve
from nevoa.training.progress import show_progress
from nevoa.training.record import Recorder
from nevoa.training.state import TrainingState


def default_folder(config: Config, preset: str) -> Path:
    """Where a run goes when nobody says: runs/SOURCE-PRESET."""
    return RUNS / f"{config.data.source}-{preset}"


def resolve_run(config: Config, folder: Path, started: float | None = None) -> Trial:
    """`resolve` for a run folder: one that is there is gone on with. Writes nothing into it."""
    run = Run(folder)
    saved = run.config() if run.config_file.exists() else None
    if saved is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NevoaError(f"{folder} is there already and is no run. Choose another --out.")
    trial = resolve(config, saved, started)
    check_disk(trial, folder)
    return trial


def fit(config: Config, out: str | Path | None = None) -> Generator[Step, None, None]:
    """Train, yielding every step.

    Args:
        out: the run folder; the same call again resumes it. None trains in memory and writes nothing: `step.model`
            is the averaged model as it stands.
    """
    if out is not None:
        return fit_resolved(resolve_run(config, Path(out)), Path(out))
    trial = resolve(config, recorded=False)
    return training_steps(TrainingState.fresh(trial.config, trial.images.shape), trial.images)


def fit_resolved(trial: Trial, folder: Path) -> Generator[Step, None, None]:
    """Train into a run folder, from its newest whole checkpoint if it has one."""
    run, state = Run(folder), TrainingState.fresh(trial.config, trial.images.shape)
    if not run.config_file.exists():
        versions = {"nevoa": nevoa.__version__, "torch": torch.__version__, "python": platform.python_version()}
        write_text(run.config_file, to_toml(trial.config) + "\n" + tomli_w.dumps({"made_with": versions}))
    newest = checkpoint.newest(run.checkpoints)
    if newest is not None:
        checkpoint.restore(state, newest)
    run.cut_metrics(state.images_seen)
    return Recorder(run, state, len(trial.images)).record(training_steps(state, trial.images))


def train(
    source: str | None = None,
    preset: str = DEFAULT_PRESET,
    *,
    minutes: float | None = None,
    epochs: float | None = None,
    steps: int | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    options: tuple[str, ...] = (),
    progress: bool = True,
) -> Run:
    """Train a model and return its run. The same call again resumes or, when it is finished, returns at once.

    Args:
        source: a named data set; the preset's own if None.
        minutes, epochs, steps: the budget; at most one. The preset's own if none is given.
        out: the run folder; runs/SOURCE-PRESET if None.
        options: "section.key=value", as on the command line.

    Example:
        run = nevoa.train("fashion_mnist_10k", minutes=5)
        images = run.model().sample(64)
    """
    config = configure(source, preset, minutes=minutes, epochs=epochs, steps=steps, seed=seed, options=options)
    folder = Path(out) if out is not None else default_folder(config, preset)
    trial = resolve_run(config, folder)
    stream = fit_resolved(trial, folder)
    for _ in show_progress(stream, trial.config.training) if progress else stream:
        pass
    return Run(folder)
