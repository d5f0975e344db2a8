"""Train a model: from a source and options, or from objects, to a run."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from os import PathLike
from typing import Any, Unpack, cast

from torch import Tensor, nn

from nevoa._util.arguments import one_or_more, path_of, yes_or_no
from nevoa.commands.load import load
from nevoa.config import Config, DataConfig
from nevoa.config.names import DEFAULT_PRESET
from nevoa.config.network import OBJECT
from nevoa.config.presets import Tables, TrainingOptions, configure, parse_overrides
from nevoa.config.training import Recipe
from nevoa.data import ImageSet, as_image_set
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.objects import Objects, decided_by
from nevoa.runs import Run
from nevoa.runs.checkpoint import newest_saved
from nevoa.training import Wish, default_folder, fit_job, prepare_together, show_progress, starting_from
from nevoa.training.checks import check_given
from nevoa.training.start import check_start


class Keywords(TrainingOptions, total=False):
    """Keyword options of `train`; None means not given.

    Attributes:
        labels: for a source that is an array, the class of each image, as integers or names.
        captions: for a source that is an array, a text that describes each image, or several.
        numbers: for a source that is an array, by name a number of each image, such as its age.
        pictures: for a source that is an array, a picture for each image, from which the model is to make it.
        start: a model to start from; the run gets its network, process and image size, and a lower learning rate.
            options=["training.start=none"] are random weights, where a preset starts from a model.
        network, schedule, loss: objects in place of names.
    """

    labels: Any
    captions: Any
    numbers: Any
    pictures: Any
    start: Model | None
    network: nn.Module | None
    schedule: Any
    loss: Callable[[Tensor, Tensor], Tensor] | None


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
            Dataset of (image, label) or of dictionaries, or an ImageSet. None is the preset's own.
        out: the run folder; runs/SOURCE-PRESET if None.
        options: "section.key=value", as on the command line.
        accept_changes: resume although settings, data or torch differ.
        keywords: minutes, size, only (the classes to use), condition and more: `nevoa.config.TrainingOptions`; and
            the objects network, schedule and loss in place of those that the config names: `nevoa.objects.Objects`.

    Raises:
        NevoaError: the settings, the images and the objects do not go together, memory or disk space does not suffice,
            or the run folder holds another training.

    Example:
        >>> run = nevoa.train("fashion_mnist_10k", minutes=5)
        >>> images = run.model().sample(64)
    """
    accept_changes, progress = yes_or_no("accept_changes", accept_changes), yes_or_no("progress", progress)
    objects = Objects(keywords.pop("network", None), keywords.pop("schedule", None), keywords.pop("loss", None))
    tables = parse_overrides(one_or_more(options))
    images, name = _images_in_memory(source, keywords, tables.get("data", {}))
    start = keywords.pop("start", None)
    check_start(start)
    if start is not None and preset != DEFAULT_PRESET:
        raise NevoaError("The model to start from decides what a preset decides: leave out preset or start.")
    layer = None if start is None else starting_from(start)
    config = configure(name, preset, start=layer, options=options, **cast(TrainingOptions, keywords))
    _check_have_effect(tables, config, objects)
    run = Run(path_of("out", out) if out is not None else default_folder(config, preset))
    return trained(config, Wish(objects, start, accept_changes=accept_changes), run, progress, images)


def model_to_start(recipe: Recipe, run: Run) -> Model | None:
    """Load the model that a training starts from; a run with checkpoints of all weights needs none.

    The plan decides on "auto".
    """
    place, resumes = recipe.start, newest_saved(run.checkpoints)
    if place in (None, "auto") or place.startswith(f"{OBJECT}:") or (resumes and not recipe.lora):
        return None
    try:
        return load(place, "cpu")
    except NevoaError as error:
        if not resumes:
            raise
        raise NevoaError(
            f"{run.folder} holds adapters for the model of {place}, and needs it to resume: put it back. {error}"
        ) from error


def trained(config: Config, wish: Wish, run: Run, progress: bool, images: ImageSet | None = None) -> Run:
    """Train to the end, with a progress bar if wanted, and return the run."""
    job = prepare_together(config, images, wish, run)
    with closing(fit_job(job, run)) as steps:
        deque(show_progress(steps, job.plan.training) if progress else steps, maxlen=0)
    return Run(run.folder, job.objects)


def _images_in_memory(
    source: Any, keywords: Any, options: Mapping[str, Any]
) -> tuple[ImageSet | None, str | PathLike[str] | None]:
    """The images of a source that is an object, and the name for the config.

    Args:
        options: of the section data.
    """
    said = {name: keywords.pop(name, None) for name in ("labels", "captions", "numbers", "pictures")}
    if source is None or isinstance(source, str | PathLike):
        if any(value is not None for value in said.values()):
            raise NevoaError("labels, captions, numbers and pictures are for images given as an array: leave them out.")
        return None, source
    images = as_image_set(source, **said)
    set_by_keyword = {key for key, value in keywords.items() if value is not None}
    if given := [key for key in DataConfig.model_fields if key in {*set_by_keyword, *options} - {"augment", "balance"}]:
        raise NevoaError(f"nevoa does not change images in memory: leave out {', '.join(given)}.")
    return images, f"{OBJECT}:{images.name}"


def _check_have_effect(options: Tables, config: Config, objects: Objects) -> None:
    """A NevoaError if an option contradicts an object."""
    check_given(objects)
    decided = decided_by(objects)
    given = [(section, key) for section, table in options.items() for key in table if section in decided]
    useless = [
        f"{section}.{key}"
        for section, key in given
        if section == "network" or decided[section].get(key, options[section][key]) != options[section][key]
    ]
    if useless:
        raise NevoaError(f"An object that you gave decides {', '.join(useless)}: leave it out.")
