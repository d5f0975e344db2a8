"""`nevoa train`."""

import shlex
import sys
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from nevoa._util.loading import load_torch
from nevoa.cli import STARTED
from nevoa.cli.notify import notify as send
from nevoa.cli.options import (
    BudgetFlags,
    Json,
    Options,
    Out,
    PluginFlags,
    PresetName,
    Source,
    SourceFlags,
    options_named,
)
from nevoa.cli.plan import print_plan
from nevoa.cli.preparation import show_preparation
from nevoa.cli.processes import ProcessFlags, processes_option
from nevoa.config.names import DEFAULT_PRESET
from nevoa.config.plugins import loaded_files
from nevoa.errors import NevoaError
from nevoa.parallel.launched import rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nevoa.config import Config
    from nevoa.config.training import TrainingConfig
    from nevoa.model import Model
    from nevoa.trackers import Tracker
    from nevoa.training import Job


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TrainingFlags(BudgetFlags, PluginFlags):
    """What to train, and for how long.

    Attributes:
        preset: Settings to start from. [default: quick]
        config: Start from this config.toml instead of a preset; a run's own config reproduces the run.
        place: Fine-tune this model on SOURCE: a run folder, a folder of diffusers, or hf:OWNER/NAME. Its network and
            schedule stay, and its image size unless --size is given; the learning rate is low. [default: random
            weights]
        minutes: Train for this many minutes, including start-up and saving.
        epochs: Train for this many passes over the images.
        steps: Train for this many steps.
        seed: Seed of every random choice. [default: 0]
        flip: Mirror half of the images at random. [default: on, except for named data sets of clothes,
            digits or drawings]
        conditional: Train with classes, so that 'nevoa sample --label' works. [default: the preset's]
        options: Set a config key, as in network.dim=96; may be repeated. 'nevoa config keys' lists the keys.
    """

    preset: PresetName | None = None
    config: Annotated[Path | None, Parameter(metavar="FILE")] = None
    place: Annotated[str | None, Parameter(name="--from")] = None
    seed: int | None = None
    flip: Annotated[bool | None, Parameter(negative="--no-flip")] = None
    conditional: Annotated[bool | None, Parameter(negative="--no-conditional")] = None
    options: Options = ()

    @property
    def start(self) -> str:
        """For the run folder: the name of the model to start from, else the preset's, or `config` for a file."""
        if self.place:
            return Path(self.place).name
        return self.preset or ("config" if self.config else DEFAULT_PRESET)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ReportFlags:
    """What to print.

    Attributes:
        dry_run: Print the plan and stop.
        as_json: Print the plan as JSON, then train; with --dry-run stop after it.
        notify: Ring the terminal bell at the end; with Apprise (extra 'notify') also send a message.
        track: Send losses and previews to tensorboard, wandb, mlflow or trackio (extras of these names); may be
            repeated.
    """

    dry_run: bool = False
    as_json: Json = False
    notify: bool = False
    track: Annotated[tuple[str, ...], Parameter(metavar="NAME[:PROJECT]", show_default=False)] = ()


def train(
    source: Annotated[Source | None, Parameter(show_default="the preset's images")] = None,
    /,
    *,
    training: TrainingFlags = TrainingFlags(),
    images: SourceFlags = SourceFlags(),
    out: Out = None,
    accept_changes: bool = False,
    processes: ProcessFlags = ProcessFlags(),
    report: ReportFlags = ReportFlags(),
) -> None:
    """Train a model. Run the same command again to resume.

    Args:
        out: Run folder. [default: runs/SOURCE-PRESET]
        accept_changes: Resume even if settings, images or the torch version have changed.
    """
    processes.start()
    load_torch()
    from nevoa.commands.load import load
    from nevoa.config.presets import configure
    from nevoa.training import default_folder, starting_from

    given = training.keywords() | images.keywords()
    place = given.pop("place")
    if place and (training.preset or training.config):
        raise NevoaError(
            "The model of --from decides what a preset or a config decides: leave out --preset and --config."
        )
    model = load(place, "cpu") if place else None
    with options_named(given):
        config = configure(source, start=model and starting_from(model), **given)
    folder = out or default_folder(config, training.start)
    train_into(config, folder, report, accept_changes=accept_changes, model=model)


def train_into(
    config: "Config",
    folder: Path,
    report: ReportFlags,
    *,
    cool_down: float | None = None,
    accept_changes: bool = False,
    model: "Model | None" = None,
) -> None:
    """Plan, train, and say what happens.

    Args:
        cool_down, accept_changes: of `resolve_run`.
        model: the one that the config starts from; loaded if it is needed.
    """
    load_torch()
    from nevoa.runs import Run
    from nevoa.runs.checkpoint import newest_saved
    from nevoa.trackers import tracked, trackers_of
    from nevoa.training import Plan, fit_resolved
    from nevoa.training.prolong import steps_done

    trackers = trackers_of(report.track)
    job = _resolved(config, folder, model, cool_down=cool_down, accept_changes=accept_changes)
    if rank():
        if not report.dry_run:
            deque(fit_resolved(job, folder, accept_changes=accept_changes), maxlen=0)
        return
    finished, training = _is_finished(job, folder), job.config.training
    if report.dry_run or report.as_json or not finished:
        print_plan(Plan.of(job), folder, report.as_json, steps_done(job, Run(folder)))
    if report.dry_run:
        return
    if finished:
        restored = fit_resolved(job, folder, accept_changes=accept_changes)  # files that the run lost
        deque(tracked(restored, Run(folder), trackers), maxlen=0)
        result = _result(folder, training)
    else:
        _fit(job, folder, trackers, accept_changes)
        result = f"Trained: {folder}\nTry:     {_typed('sample', str(folder))}"
    print(result, file=sys.stderr if report.as_json else None)
    if report.notify:
        send(f"nevoa: {folder.name} is trained", f"{newest_saved(Run(folder).checkpoints):,} images seen.")


def _resolved(
    config: "Config", folder: Path, model: "Model | None", *, cool_down: float | None, accept_changes: bool
) -> "Job":
    """The job, with its images decoded once for all trainings; the minutes do not include that."""
    from nevoa.parallel.group import joined
    from nevoa.runs import Run
    from nevoa.training import resolve_run
    from nevoa.training.resume import config_of, with_holdout_of

    before, processes = time.perf_counter(), joined()
    config = with_holdout_of(processes.from_first(lambda: config_of(Run(folder))), config)
    loaded = processes.first_on_machine(lambda: show_preparation(config.data))
    started = STARTED + time.perf_counter() - before
    start = model or (None if rank() else _start(config, folder))
    options = {"started": started, "cool_down": cool_down, "accept_changes": accept_changes}
    return resolve_run(config, folder, loaded, start=start, **options)


def _start(config: "Config", folder: Path) -> "Model | None":
    """The model that a training starts from, unless it resumes."""
    from nevoa.commands.load import load
    from nevoa.runs import Run
    from nevoa.runs.checkpoint import newest_saved

    place = config.training.start
    return load(place, "cpu") if place and not newest_saved(Run(folder).checkpoints) else None


def _is_finished(job: "Job", folder: Path) -> bool:
    """Whether the run has taken all steps of the job; a new budget of minutes has only an estimate of them."""
    from nevoa.runs import Run, status_of
    from nevoa.runs.checkpoint import newest_saved

    run, training = Run(folder), job.config.training
    planned = (training.steps or 0) * training.known_batch_size
    return status_of(run)[0] == "finished" and not job.is_paced and newest_saved(run.checkpoints) == planned


def _result(folder: Path, training: "TrainingConfig") -> str:
    """Two lines: what a finished run has reached, and how to train it for twice as long."""
    from nevoa.runs import Run, Summary

    summary = Summary.of(Run(folder))
    loss = [] if summary.loss is None else [f"loss {summary.loss:.4f}"]
    scores = ["{} {:.3g}".format(*summary.quality)] if summary.quality else []
    result = ", ".join([f"{summary.images_seen:,} images seen", *loss, *scores])
    budget = next(name for name in ("minutes", "epochs", "steps") if getattr(training, name))
    twice = f"--{budget}", f"{2 * getattr(training, budget):.10g}"
    longer = _typed("continue", str(folder), *twice, *processes_option())
    return f"{folder} is finished: {result}.\nTo train it for twice as long: {longer}"


def _typed(*words: str) -> str:
    """A command that a user can type, with the plugins of this one."""
    return shlex.join(["nevoa", *words, *(f"--plugin={file}" for file in loaded_files())])


def _fit(job: "Job", folder: Path, trackers: "Mapping[str, Tracker]", accept_changes: bool) -> None:
    """Train, and show the progress. On Ctrl-C, SIGTERM or SIGHUP save the run and exit."""
    from nevoa.runs import Run
    from nevoa.runs.checkpoint import newest_saved
    from nevoa.trackers import tracked
    from nevoa.training import fit_resolved, show_progress

    try:
        with (
            closing(fit_resolved(job, folder, accept_changes=accept_changes)) as stream,
            closing(tracked(stream, Run(folder), trackers)) as followed,
            closing(show_progress(followed, job.config.training)) as shown,
        ):
            for _ in shown:
                pass
    except (KeyboardInterrupt, SystemExit):
        saved = newest_saved(Run(folder).checkpoints)
        done = f"Stopped; {saved:,} images are done and saved" if saved else "Stopped before there was anything to save"
        tracks = [f"--track={name}" for name in trackers]
        resume = _typed("continue", str(folder), *tracks, *processes_option())
        print(f"{done} in {folder}. To resume: {resume}", file=sys.stderr)
        if saved:
            print(f"To finish in half a minute: {resume} --cool-down 30s", file=sys.stderr)
        raise
