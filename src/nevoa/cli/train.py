"""`nevoa train`."""

import shlex
import sys
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from nevoa.cli import STARTED
from nevoa.cli.notify import notify as send
from nevoa.cli.options import (
    Augment,
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
from nevoa.config.names import DEFAULT_PRESET, TAGS, TEXT
from nevoa.config.plugins import loaded_files
from nevoa.errors import NevoaError
from nevoa.parallel.environment import rank

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nevoa.config import Config
    from nevoa.runs import Run, Summary
    from nevoa.trackers import Tracker
    from nevoa.training import Job, Wish


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TrainingFlags(BudgetFlags, PluginFlags):
    """The model to train, and the budget.

    Attributes:
        preset: Settings to start from. [default: quick]
        config: Start from the settings in this config.toml instead of a preset. The plan is made anew.
        plan: Repeat the run that has this plan.toml, bit for bit; takes no other settings.
        place: Fine-tune this model on SOURCE: a run folder, a folder of diffusers, hf:OWNER/NAME, or one that comes
            with nevoa. Its network and schedule stay, and its image size unless --size is given; the learning rate is
            low. none: random weights. [default: none; with --preset photos and fewer than 2,000 images drawings64, or
            drawings32 with --size 32]
        lora: Keep the weights of the model of --from, and train adapters of this rank beside them: little memory and
            disk for a large model. Needs the extra 'lora'. [default: train all weights]
        minutes: Train for this many minutes, including start-up and saving.
        epochs: Train for this many passes over the images.
        steps: Train for this many steps.
        patience: Begin the cool-down once this many measurements in a row, one after each preview, have found no new
            lowest held-out loss. [default: never]
        seed: Seed of every random choice. [default: 0]
        augment: What to do to images at random; may be repeated. flip mirrors half of them. The network is
            conditioned on mirror, shift, scale, rotate, squeeze and colour, so that samples show none of them. A number
            such as 0.12 is the chance of each, strong is 0.25, none is nothing. [default: flip, except for named data
            sets of clothes, digits or drawings; strong where each image is seen more than 250 times]
        balance: Draw each class as often as the others, whatever its number of images.
        condition: What to learn about each image beside its pixels: class, text, tags, number:NAME, picture or none;
            may be repeated. text:COLUMN takes the captions from this column. downscaled:N, gray, edges and masked make
            a picture of each image, for 'nevoa sample --picture'. [default: the preset's: all that the images have]
        options: Set a config key, as in network.dim=96; may be repeated. 'nevoa config keys' lists the keys.
    """

    preset: PresetName | None = None
    config: Annotated[Path | None, Parameter(metavar="FILE")] = None
    plan: Annotated[Path | None, Parameter(metavar="FILE")] = None
    place: Annotated[str | None, Parameter(name="--from")] = None
    lora: Annotated[int | None, Parameter(metavar="RANK")] = None
    patience: int | None = None
    seed: int | None = None
    augment: Augment = ()
    balance: Annotated[bool | None, Parameter(negative=())] = None
    condition: Annotated[tuple[str, ...], Parameter(metavar="KIND", show_default=False)] = ()
    options: Options = ()

    def keywords(self) -> dict[str, Any]:
        """The options as keywords; None means not given."""
        own = {"augment": self.augment or None, "condition": self.condition or None}
        at_random = {"place": None, "options": ("training.start=none", *self.options)} if self.place == "none" else {}
        return super().keywords() | own | at_random

    @property
    def start(self) -> str:
        """For the run folder: the name of the model to start from, else the preset's, or `config` for a file."""
        if self.place not in (None, "none"):
            return Path(self.place).name
        return self.preset or ("config" if self.config else DEFAULT_PRESET)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ReportFlags:
    """The form of the output.

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
    from nevoa.commands.load import load
    from nevoa.config.presets import configure
    from nevoa.runs import RUNS
    from nevoa.training import Wish, default_folder, starting_from

    given = training.keywords() | images.keywords()
    place, plan = given.pop("place"), given.pop("plan")
    if plan:
        if source is not None or place or accept_changes or any(value not in (None, ()) for value in given.values()):
            raise NevoaError("--plan says all about the training: leave out the other settings, or use --config.")
        _train_again(plan, out or RUNS / f"{plan.absolute().parent.name}-again", report)
        return
    if place and (training.preset or training.config):
        raise NevoaError(
            "The model of --from decides what a preset or a config decides: leave out --preset and --config."
        )
    model = load(place, "cpu") if place else None
    with options_named(given):
        config = configure(source, start=model and starting_from(model), **given)
    folder = out or default_folder(config, training.start)
    train_into(config, folder, report, Wish(start=model, accept_changes=accept_changes))


def train_into(config: "Config", folder: Path, report: ReportFlags, wish: "Wish") -> None:
    """Plan, train, and say what happens."""
    from nevoa.runs import Run
    from nevoa.trackers import trackers_of

    run, trackers = Run(folder), trackers_of(report.track)
    _run(_prepared(config, run, wish), run, report, trackers)


def _train_again(plan: Path, folder: Path, report: ReportFlags) -> None:
    """Repeat the run of a plan."""
    from nevoa.commands.train import model_to_start
    from nevoa.config import Plan
    from nevoa.config.toml import read_toml
    from nevoa.parallel.environment import world_size
    from nevoa.runs import Run
    from nevoa.trackers import trackers_of
    from nevoa.training.job import repetition

    if world_size() > 1:
        raise NevoaError("--plan repeats a run in one process: leave out --processes.")
    run, trackers = Run(folder), trackers_of(report.track)
    start = model_to_start(read_toml(plan, Plan).training, run)
    _run(repetition(plan, run, start), run, report, trackers)


def _run(job: "Job", run: "Run", report: ReportFlags, trackers: "Mapping[str, Tracker]") -> None:
    """Print the plan, train unless the run is finished, and say what came of it."""
    from nevoa.runs import Summary
    from nevoa.runs.checkpoint import newest_saved
    from nevoa.trackers import tracked
    from nevoa.training import Forecast, fit_job
    from nevoa.training.origin import origin_of

    folder = run.folder
    if rank():
        if not report.dry_run:
            deque(fit_job(job, run), maxlen=0)
        return
    origin = origin_of(job, run)
    if report.dry_run or report.as_json or not origin.finished:
        print_plan(job, Forecast.of(job), folder, report.as_json, origin.images_seen)
    if report.dry_run:
        return
    if origin.finished:
        deque(tracked(fit_job(job, run), run, trackers), maxlen=0)  # restores files that the run lost
        result = _result(run, job.config)
    else:
        memorises = _fit(job, run, trackers)
        one = _chosen(Summary.of(run))
        chosen = [f"Model:   {one}{'; later ones memorise' * memorises}"] if one else []
        result = "\n".join([f"Trained: {folder}", *chosen, f"Try:     {_typed(*_first_wish(job, folder))}"])
    print(result, file=sys.stderr if report.as_json else None)
    if report.notify:
        send(f"nevoa: {folder.name} is trained", f"{newest_saved(run.checkpoints):,} images seen.")


def _prepared(config: "Config", run: "Run", wish: "Wish") -> "Job":
    """The job, with its images decoded once for all trainings; the minutes do not include that."""
    from nevoa.commands.train import model_to_start
    from nevoa.parallel.group import process_group
    from nevoa.training import prepare_together
    from nevoa.training.resume import data_of

    before, group = time.perf_counter(), process_group()
    data = group.broadcast(lambda: data_of(config, run))
    loaded = group.first_on_machine(lambda: show_preparation(data))
    started, start = STARTED + time.perf_counter() - before, wish.start
    if start is None and not rank():
        start = model_to_start(config.training, run)
    return prepare_together(config, loaded, replace(wish, started=started, start=start), run)


def _result(run: "Run", config: "Config") -> str:
    """The lines that say what a finished run has reached, and how to train it for twice as long."""
    from nevoa.runs import Summary

    summary, training = Summary.of(run), config.training
    loss = [] if summary.loss is None else [f"loss {summary.loss:.4f}"]
    scores = ["{} {:.3g}".format(*summary.quality)] if summary.quality else []
    result = ", ".join([f"{summary.images_seen:,} images seen", *loss, *scores])
    budget = next(name for name in ("minutes", "epochs", "steps") if getattr(training, name))
    twice = f"--{budget}", f"{2 * getattr(training, budget):.10g}"
    longer = _typed("continue", str(run.folder), *twice, *processes_option())
    chosen = f"The model is {one}.\n" if (one := _chosen(summary)) else ""
    return f"{run.folder} is finished: {result}.\n{chosen}To train it for twice as long: {longer}"


def _chosen(summary: "Summary") -> str:
    """Say which model the run has published; nothing if it is the last."""
    from nevoa.runs import chosen_in_words

    return "" if summary.model_images is None else chosen_in_words(summary.model_images)


def _first_wish(job: "Job", folder: Path) -> "Sequence[str]":
    """A command that asks the model for what it has learned: a caption of its images, or a picture of one's own.

    No caption that the command line would read as an option or as the name of a file.
    """
    known, pictures = job.plan.conditions, [*job.plan.pictures.values()]
    if [one.factor > 1 for one in pictures] == [True]:
        return ["upscale", str(folder), "picture.png"]
    caption = next((of[0] for of in job.images.captions if of and not of[0].startswith(("-", "@"))), "")
    wish = ("--prompt", caption) if TEXT in known else ("--tags", caption) if TAGS in known else ()
    return ["sample", str(folder), *wish, *(["--picture", "picture.png"] if len(pictures) == 1 else [])]


def _typed(*words: str) -> str:
    """A command that a user can type, with the plugins of this one."""
    return shlex.join(["nevoa", *words, *(f"--plugin={file}" for file in loaded_files())])


def _fit(job: "Job", run: "Run", trackers: "Mapping[str, Tracker]") -> bool:
    """Train, and show the progress. On Ctrl-C, SIGTERM or SIGHUP save the run and exit.

    Returns:
        Whether the model only memorises at the end.
    """
    from nevoa.runs.checkpoint import newest_saved
    from nevoa.trackers import tracked
    from nevoa.training import fit_job, show_progress

    try:
        with (
            closing(fit_job(job, run)) as stream,
            closing(tracked(stream, run, trackers)) as followed,
            closing(show_progress(followed, job.plan.training)) as shown,
        ):
            last = deque(shown, maxlen=1)
        return any(step.memorises_since is not None for step in last)
    except (KeyboardInterrupt, SystemExit):
        saved = newest_saved(run.checkpoints)
        done = f"Stopped; {saved:,} images are done and saved" if saved else "Stopped before there was anything to save"
        tracks = [f"--track={name}" for name in trackers]
        resume = _typed("continue", str(run.folder), *tracks, *processes_option())
        print(f"{done} in {run.folder}. To resume: {resume}", file=sys.stderr)
        if saved:
            print(f"To finish in half a minute: {resume} --cool-down 30s", file=sys.stderr)
        raise
