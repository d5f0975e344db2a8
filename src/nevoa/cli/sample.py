"""`nevoa sample`."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt, PositiveInt

from nevoa._util.claim import Claim, check_free, claimed, numbered
from nevoa._util.plain import counted
from nevoa.cli.loading import load_torch
from nevoa.cli.options import AllSamplingFlags, Names, Out, names_of, options_named
from nevoa.cli.output import Output, check_outside
from nevoa.cli.processes import ProcessFlags
from nevoa.cli.prompt import PROMPTED_COUNT, PromptFlags
from nevoa.cli.starting import StartFlags
from nevoa.errors import NevoaError
from nevoa.parallel.launched import rank

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np

    from nevoa.formats.diffusers.text_to_image import TextToImage
    from nevoa.model import Model

DEFAULT_SIDE = 8
# Of many classes a grid shows fewer images each.
MOST_ROWS, MOST_TILES = 20, 256
FRAMES = 60
# The time of a job that takes longer than this is announced.
LONG_SECONDS = 10.0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ResultFlags:
    """The result.

    Attributes:
        trajectory: Draw each image as a row of K states, from noise to image.
        out: Name of the result: x.png for a grid, x.npy for an array uint8 [N, H, W, C], x for a folder of PNGs; x.gif,
            x.mp4, x.webm or x.html for an animation from noise to images. [default: RUN/images/0001.png, then 0002.png
            and so on; without a run images.png, then images-2.png and so on]
        force: Replace the file that --out names.
    """

    trajectory: Annotated[int | None, Parameter(metavar="K")] = None
    out: Out = None
    force: bool = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ChoiceFlags:
    """Which images to make.

    Attributes:
        count: Number of images. [default: 64, or up to 8 of each class; with --trajectory 8, or one of each class; from
            an image 8; with --prompt 1]
        label: Classes to make in turn, by name or index, separated by commas; quote a name that contains a comma. A
            picture groups the images by class and names each class. [default: all]
        seed: Seed of the noise. With the same seed, image n is the same for any --count.
    """

    count: PositiveInt | None = None
    label: Names = ()
    seed: NonNegativeInt = 0


def sample(
    run: str | None = None,
    /,
    *,
    images: ChoiceFlags = ChoiceFlags(),
    text: PromptFlags = PromptFlags(),
    sampling: AllSamplingFlags = AllSamplingFlags(),
    start: StartFlags = StartFlags(),
    processes: ProcessFlags = ProcessFlags(),
    result: ResultFlags = ResultFlags(),
) -> None:
    """Make new images with a trained model.

    Args:
        run: Run folder, folder of diffusers, or hf:OWNER/NAME. [default: a model of clothes that comes with nevoa]
    """
    count, out, trajectory = images.count, result.out, result.trajectory
    output, given = Output(out or Path("images.png"), trajectory is not None), sampling.keywords()
    if out:
        check_free(out, result.force)
    processes.start()
    from nevoa.commands.load import check, load
    from nevoa.runs import PACKAGED

    if text.prompt is None:
        check(run or PACKAGED)
    load_torch()
    from nevoa.parallel.group import joined

    model = text.open(run, images.label, start) or start.applied(load(run or PACKAGED))
    with options_named(given):
        settings = model.settings(**given)
    labels, steps = _labels(model, images.label), _steps(model, settings)
    if count and start.count:
        raise NevoaError("An interpolation makes as many images as it has frames: give --frames, not --count.")
    total = count or start.count or _default_count(model, len(labels), trajectory is not None)
    _check_moments(output, total, trajectory, steps)
    _check_outside(model, run, out)
    output.check(total, model.shape)
    moments = trajectory or (FRAMES if output.animated else 1)
    batches = sampled(model, total, moments, steps, {**given, "seed": images.seed, "labels": labels or None})
    if rank():  # the first process writes
        deque(batches, maxlen=0)
        return
    with joined().telling(), _claimed(run, out, result.force) as claim:
        output.write(claim.temporary, batches, total, [model.classes[label] for label in labels])
    made = f"{counted(total, 'image')}{_classes(model, labels[:total])}"
    print(f"{made}, {settings.sampler}, {counted(steps, 'step')}: {claim.path}")


def _labels(model: "Model | TextToImage", typed: Sequence[str]) -> Sequence[int]:
    """The labels typed, or all; a whole text may be the name of one class, with its commas."""
    from nevoa.model import labels_of

    if not typed and not _makes_all_classes(model):
        return []
    names = [name for text in typed for name in ([text] if text in model.classes else names_of([text]))]
    return labels_of(model.classes, names or None)


def _makes_all_classes(model: "Model | TextToImage") -> bool:
    from nevoa.model import Model

    return isinstance(model, Model) and model.start.all_classes


def _steps(model: "Model | TextToImage", settings: Any) -> int:
    from nevoa.model import Model

    return len(model.timesteps(settings)) - 1 if isinstance(model, Model) else settings.steps


def _check_outside(model: "Model | TextToImage", run: str | None, out: Path | None) -> None:
    """Raise a NevoaError if the result would become a training image of the model; images in its run would not."""
    from nevoa.model import Model

    if run and out and isinstance(model, Model) and not out.resolve().is_relative_to(Path(run).resolve()):
        check_outside(model.config.data.source, out)


def _check_moments(output: Output, total: int, trajectory: int | None, steps: int) -> None:
    """Raise a NevoaError if there are too many images for an animation, or too few steps for a trajectory."""
    if total > MOST_TILES and (trajectory or output.animated):
        raise NevoaError(f"A trajectory or animation shows up to {MOST_TILES} images, not {total:,}: lower --count.")
    if trajectory is not None and not 2 <= trajectory <= steps + 1:
        raise NevoaError(f"With {steps} steps, --trajectory must be between 2 and {steps + 1}, not {trajectory}.")


def _claimed(run: str | None, out: Path | None, force: bool) -> "AbstractContextManager[Claim]":
    """The place of the result: as named, else the next one in the run or in the current folder."""
    from nevoa.runs import Run

    default = Run(Path(run)).picture_names() if run and Run(Path(run)).exists else numbered("images.png")
    return claimed([out] if out else default, force)


def _classes(model: "Model | TextToImage", labels: "Any") -> str:
    """The classes made, in words."""
    if not labels:
        return ""
    if len(labels) > MOST_ROWS:
        return f" of {len(labels)} classes in turn"
    return f" of {', '.join(model.classes[label] for label in labels)}{' in turn' * (len(labels) > 1)}"


def _default_count(model: "Model | TextToImage", classes: int, trajectory: bool) -> int:
    """How many images to make if no number is given."""
    from nevoa.model import Model

    if not isinstance(model, Model):
        return PROMPTED_COUNT
    if not model.start.all_classes:
        return DEFAULT_SIDE
    return default_count(classes, trajectory)


def default_count(classes: int, trajectory: bool) -> int:
    """A row for each of several classes; otherwise a square grid."""
    if classes > 1:
        each = max(1, min(DEFAULT_SIDE, MOST_TILES // classes))
        return min(classes, MOST_ROWS) if trajectory else min(classes * each, MOST_TILES)
    return DEFAULT_SIDE if trajectory else DEFAULT_SIDE**2


def sampled(
    model: "Model | TextToImage", count: int, moments: int, steps: int, settings: dict[str, Any]
) -> "Iterator[list[np.ndarray]]":
    """Yield batches of images as they are made, each in so many steps.

    Yields:
        `moments` arrays uint8 `[B, H, W, C]`, evenly spaced from noise to image; the last one is the images.
    """
    from nevoa.cli.terminal import progress_bar
    from nevoa.data import to_bytes
    from nevoa.parallel.group import joined

    done, timed_from = 0, 0.0
    wanted = {round(steps * (1 - i / max(1, moments - 1))) for i in range(moments)}
    processes = joined()
    rounds = list(processes.rounds(count, model.images_at_once))
    total = steps * sum(map(bool, rounds))
    with progress_bar() as progress:
        task = progress.add_task("steps", total=total)
        for numbers in rounds:
            kept = []
            states = model.trajectory(len(numbers), first=numbers.start, **settings) if numbers else ()
            for index, state in enumerate(states):
                if index in wanted:
                    kept.append(to_bytes(state.x_t))
                if index == steps:  # the images
                    continue
                done += 1
                progress.advance(task)
                if done == 1:  # this step also paid for memory and compiled kernels
                    timed_from = time.perf_counter()
                elif done == 2:
                    _announce(count, (time.perf_counter() - timed_from) * total)
            yield from filter(None, processes.gathered(kept))


def _announce(count: int, seconds: float) -> None:
    """Say how long a long job takes."""
    from nevoa.cli.terminal import console, duration

    if seconds > LONG_SECONDS:
        console(stderr=True).print(f"{count:,} images take about {duration(seconds)}. Press Ctrl-C to stop.")
