"""From a config to a trained run."""

import platform
import warnings
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from os import PathLike
from pathlib import Path
from typing import Any, Unpack, cast

import torch
from torch import Tensor, nn

from nevoa._util.files import explained, sweep
from nevoa._util.plain import one_or_more, path_of, yes_or_no
from nevoa.config import Config, DataConfig
from nevoa.config.names import DEFAULT_PRESET
from nevoa.config.network import OBJECT
from nevoa.config.presets import Tables, TrainingOptions, configure, parse_overrides
from nevoa.data import ImageSet, as_image_set, load_images
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.objects import Objects, described
from nevoa.parallel.group import joined
from nevoa.runs import Run, checkpoint, model_files, training_lock
from nevoa.training.distributed import Beginning, follow, interruptible, on_every_process
from nevoa.training.job import Job, check_given, resolve
from nevoa.training.loop import Step, training_steps
from nevoa.training.progress import show_progress
from nevoa.training.prolong import pace_in_memory, set_course, starting_point
from nevoa.training.recorder import Recorder
from nevoa.training.run_job import check_start, default_folder, resolve_run
from nevoa.training.snapshot import restore
from nevoa.training.start import starting_from
from nevoa.training.state import TrainingState
from nevoa.training.unseen import Unseen
from nevoa.version import __version__


class Keywords(TrainingOptions, total=False):
    """Keyword options of `train`; None means not given.

    Attributes:
        labels: for a source that is an array, the class of each image, as integers or names.
        start: a model to start from; the run gets its network, process and image size, and a lower learning rate.
        network, schedule, loss: objects in place of names.
    """

    labels: Any
    start: Model | None
    network: nn.Module | None
    schedule: Any
    loss: Callable[[Tensor, Tensor], Tensor] | None


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
        images: what to train on in place of `config.data.source`.
        network, schedule, loss: objects in place of those that the config names: `nevoa.objects.Objects`.
        accept_changes: resume although settings, data or torch differ.
        start: the model to start from, which the config was made for: `configure(..., start=starting_from(model))`.

    Example:
        >>> for step in nevoa.fit(nevoa.configure("fashion_mnist_10k", steps=100)):
        ...     print(step.images_seen, step.loss)
    """
    if not isinstance(config, Config):
        raise NevoaError(f"config is a nevoa.Config, not {config!r:.60}: make one with nevoa.configure(SOURCE).")
    accept_changes = yes_or_no("accept_changes", accept_changes)
    images, objects = None if images is None else load_images(images), Objects(network, schedule, loss)
    if out is not None:
        folder = path_of("out", out)
        job = resolve_run(config, folder, images, objects=objects, accept_changes=accept_changes, start=start)
        return fit_resolved(job, folder, accept_changes=accept_changes)

    def settled(images: ImageSet | None) -> Job:
        job = resolve(config, images, objects=objects, recorded=False, start=start)
        check_start(job)
        return job

    job = on_every_process(settled, config, images, objects)
    state = job.fresh_state()
    begin = joined().from_first(lambda: Beginning.of(state, None, None))
    if begin.weights:
        state.start_from(begin.weights)
    return interruptible(training_steps(state, job.images, pace_in_memory(job)))


def fit_resolved(job: Job, folder: Path, *, accept_changes: bool = False) -> Generator[Step, None, None]:
    """Train a job into a run folder, from where it goes on (`starting_point`). The folder is locked meanwhile.

    Example:
        >>> job = resolve_run(config, Path("runs/again"))
        >>> *_, last = fit_resolved(job, Path("runs/again"))
    """
    processes = joined()
    if processes.rank:
        yield from follow(job, accept_changes)
        return
    run = Run(folder)
    with processes.telling(), training_lock(run) as begin:
        sweep(folder)
        state = job.fresh_state()
        newest = starting_point(job, run)
        if newest is not None:
            restore(state, newest, accept_changes=accept_changes)
        with explained("write", run.checkpoints):
            run.checkpoints.mkdir(exist_ok=True)  # from here on, a run without this folder has lost it
        before = checkpoint.config_of(newest) if newest else None
        pace = set_course(state, job, run, newest)
        _write_config(run, state, before)
        begin()
        if newest is not None:
            _restore_model(run, state)
        run.cut(state.images_seen)
        recorder = Recorder(run, state, len(job.images), newest, Unseen.of(state.config, job.images))
        if not processes.alone:
            processes.from_first(lambda: Beginning.of(state, pace, newest))
        with closing(recorder.record(training_steps(state, job.images, pace))) as steps:
            yield from interruptible(steps)


def train(
    source: Any = None,
    preset: str = DEFAULT_PRESET,
    *,
    out: str | PathLike[str] | None = None,
    accept_changes: bool = False,
    progress: bool = True,
    options: str | Sequence[str] = (),
    **keywords: Unpack[Keywords],
) -> Run:
    """Train a model and return its run. The same call resumes it or, when it is finished, returns at once.

    Ctrl-C ends the step, saves the run and raises KeyboardInterrupt.

    Args:
        source: a folder of images, a file of them or a named data set; or an array uint8 `[N, H, W(, C)]`, a torch
            Dataset of (image, label), or an ImageSet. None is the preset's own.
        out: the run folder; runs/SOURCE-PRESET if None.
        options: "section.key=value", as on the command line.
        accept_changes: resume although settings, data or torch differ.
        keywords: minutes, size, only (the classes to use), conditional and more: `nevoa.config.TrainingOptions`; and
            the objects network, schedule and loss in place of those that the config names: `nevoa.objects.Objects`.

    Example:
        >>> run = nevoa.train("fashion_mnist_10k", minutes=5)
        >>> images = run.model().sample(64)
    """
    accept_changes, progress = yes_or_no("accept_changes", accept_changes), yes_or_no("progress", progress)
    objects = Objects(keywords.pop("network", None), keywords.pop("schedule", None), keywords.pop("loss", None))
    tables = parse_overrides(one_or_more(options))
    images, name = _images_in_memory(source, keywords, tables.get("data", {}))
    start = keywords.pop("start", None)
    if not isinstance(start, Model | None):
        raise NevoaError(f"start is a model, such as nevoa.load({str(start)!r:.60}), not {start!r:.60}.")
    if start is not None and preset != DEFAULT_PRESET:
        raise NevoaError("The model to start from decides what a preset decides: leave out preset or start.")
    layer = None if start is None else starting_from(start)
    config = configure(name, preset, start=layer, options=options, **cast(TrainingOptions, keywords))
    _check_have_effect(tables, config, objects)
    folder = path_of("out", out) if out is not None else default_folder(config, preset)
    job = resolve_run(config, folder, images, objects=objects, accept_changes=accept_changes, start=start)
    return train_job(job, folder, accept_changes, progress)


def train_job(job: Job, folder: Path, accept_changes: bool, progress: bool) -> Run:
    """Train a job to its end, with a progress bar if wanted, and return its run."""
    with closing(fit_resolved(job, folder, accept_changes=accept_changes)) as steps:
        deque(show_progress(steps, job.config.training) if progress else steps, maxlen=0)
    return Run(folder, job.objects)


def _images_in_memory(
    source: Any, keywords: Any, options: Mapping[str, Any]
) -> tuple[ImageSet | None, str | PathLike[str] | None]:
    """The images of a source that is an object, and the name for the config.

    Args:
        options: of the section data.
    """
    labels = keywords.pop("labels", None)
    if source is None or isinstance(source, str | PathLike):
        if labels is not None:
            raise NevoaError("labels are for images given as an array: leave them out.")
        return None, source
    images = as_image_set(source, labels)
    set_by_keyword = {key for key, value in keywords.items() if value is not None}
    if given := [key for key in DataConfig.model_fields if key in {*set_by_keyword, *options} - {"flip"}]:
        raise NevoaError(f"nevoa does not change images in memory: leave out {', '.join(given)}.")
    return images, f"{OBJECT}:{images.name}"


def _check_have_effect(options: Tables, config: Config, objects: Objects) -> None:
    """A NevoaError if an object decides what an option sets, to another value."""
    check_given(objects)
    decided = {change.partition(":")[0] for change in config.changes(described(config, objects))}
    given = [f"{section}.{key}" for section, table in options.items() for key in table]
    if useless := [key for key in given if key in decided]:
        raise NevoaError(f"An object that you gave decides {', '.join(useless)}: leave it out.")


def _write_config(run: Run, state: TrainingState, saved: Config | None) -> None:
    """Write the config of a new run, or of a resumed one if it changed, with a note of the changes.

    Args:
        saved: the checkpoint's copy, if there is one.
    """
    present = None
    with suppress(NevoaError):
        present = run.config()
    if present == state.config:
        return
    before = saved or present
    if run.exists and before is not None and (present is None or before.followed(present) != present):
        changes = ", ".join(before.changes(present)) if present else "unreadable"
        warnings.warn(f"{run.config_file} differed from the checkpoint ({changes}); it is restored.", stacklevel=2)
    about = {"nevoa": __version__, "torch": torch.__version__, "python": platform.python_version()}
    if before is not None and (changes := before.changes(state.config)):
        about["changed"] = f"after {state.images_seen:,} images: {', '.join(changes)}"
    run.write_config(state.config, about)


def _restore_model(run: Run, state: TrainingState) -> None:
    """Publish the checkpoint's model if the published one is damaged or missing."""
    try:
        model_files.check(run.weights_file, run.model_config_file)
    except NevoaError:
        run.publish_model(state.model())
