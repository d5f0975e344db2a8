"""`nevoa sample`."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt, PositiveInt

from nevoa.cli.options import AllSamplingFlags, Force, Names, Out, names_of, options_named
from nevoa.cli.output import Output, check_outside
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np

    from nevoa._util.claim import Claim
    from nevoa.model import Model

DEFAULT_SIDE = 8
# Of many classes a grid shows fewer images each.
MOST_ROWS, MOST_TILES = 20, 256
FRAMES = 60
# The time of a job that takes longer than this is announced.
LONG_SECONDS = 10.0


def sample(
    run: Path | None = None,
    /,
    *,
    count: PositiveInt | None = None,
    label: Names = (),
    sampling: AllSamplingFlags = AllSamplingFlags(),
    seed: NonNegativeInt = 0,
    trajectory: Annotated[int | None, Parameter(metavar="K")] = None,
    out: Out = None,
    force: Force = False,
) -> None:
    """Make new images with a trained model.

    Args:
        run: Run folder. [default: a model of clothes that comes with nevoa]
        count: Number of images. [default: 64, or up to 8 of each class; with --trajectory 8, or one of each class]
        label: Classes to make in turn, by name or index, separated by commas; quote a name that contains a comma. A
            picture groups the images by class and names each class. [default: all]
        seed: Seed of the noise. With the same seed, image n is the same for any --count.
        trajectory: Draw each image as a row of K states, from noise to image.
        out: Name of the result: x.png for a grid, x.npy for an array uint8 [N, H, W, C], x.gif for an animation from
            noise to images, x for a folder of PNGs. [default: RUN/images/0001.png, then 0002.png and so on; without
            a run images.png, then images-2.png and so on]
    """
    from nevoa.runs import PACKAGED, load

    output, given = Output(out or Path("images.png"), trajectory is not None), sampling.keywords()
    model = load(run or PACKAGED)
    with options_named(given):
        settings = model.settings(**given)
    labels, steps = _labels(model, label), settings.steps or 1
    total = count or _default_count(len(labels), trajectory is not None)
    _check_moments(output, total, trajectory, steps)
    if run and out and not out.resolve().is_relative_to(run.resolve()):  # images in a run are no source
        check_outside(model.config.data.source, out)
    output.check(total, model.shape)
    moments = trajectory or (FRAMES if output.kind == ".gif" else 1)
    batches = sampled(model, total, moments, {**given, "steps": steps, "seed": seed, "labels": labels or None})
    with _claimed(run, out, force) as claim:
        output.write(claim.temporary, batches, total, [model.classes[label] for label in labels])
    print(f"{total:,} images{_classes(model, labels[:total])}, {settings.sampler}, {steps} steps: {claim.path}")


def _labels(model: "Model", typed: Sequence[str]) -> Sequence[int]:
    """The labels typed, or all; a whole text may be the name of one class, with its commas."""
    from nevoa.model import labels_of

    names = [name for text in typed for name in ([text] if text in model.classes else names_of([text]))]
    return labels_of(model.classes, names or None)


def _check_moments(output: Output, total: int, trajectory: int | None, steps: int) -> None:
    """Raise a NevoaError if there are too many images for an animation, or too few steps for a trajectory."""
    if total > MOST_TILES and (trajectory or output.kind == ".gif"):
        raise NevoaError(f"A trajectory or animation shows up to {MOST_TILES} images, not {total:,}: lower --count.")
    if trajectory is not None and not 2 <= trajectory <= steps + 1:
        raise NevoaError(f"With {steps} steps, --trajectory is between 2 and {steps + 1}, not {trajectory}.")


def _claimed(run: Path | None, out: Path | None, force: bool) -> "AbstractContextManager[Claim]":
    """The place of the result: as named, else the next one in the run or in the current folder."""
    from nevoa._util.claim import claimed, numbered
    from nevoa.runs import Run

    default = Run(run).picture_names() if run else numbered("images.png")
    return claimed([out] if out else default, force)


def _classes(model: "Model", labels: "Any") -> str:
    """The classes made, in words."""
    if not labels:
        return ""
    if len(labels) > MOST_ROWS:
        return f" of {len(labels)} classes in turn"
    return f" of {', '.join(model.classes[label] for label in labels)}{' in turn' * (len(labels) > 1)}"


def _default_count(classes: int, trajectory: bool) -> int:
    """A row for each of several classes; otherwise a square grid."""
    if classes > 1:
        each = max(1, min(DEFAULT_SIDE, MOST_TILES // classes))
        return min(classes, MOST_ROWS) if trajectory else min(classes * each, MOST_TILES)
    return DEFAULT_SIDE if trajectory else DEFAULT_SIDE**2


def sampled(model: "Model", count: int, moments: int, settings: dict[str, Any]) -> "Iterator[list[np.ndarray]]":
    """Yield batches of images as they are made.

    Yields:
        `moments` arrays uint8 `[B, H, W, C]`, evenly spaced from noise to image; the last one is the images.
    """
    from nevoa.cli.terminal import progress_bar
    from nevoa.data import to_bytes

    steps, done, timed_from = settings["steps"], 0, 0.0
    wanted = {round(steps * (1 - i / max(1, moments - 1))) for i in range(moments)}
    total = steps * -(-count // model.images_at_once)
    with progress_bar() as progress:
        task = progress.add_task("steps", total=total)
        for states in model.trajectories(count, **settings):
            kept = []
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
            yield kept


def _announce(count: int, seconds: float) -> None:
    """Say how long a long job takes."""
    from nevoa.cli.terminal import console, duration

    if seconds > LONG_SECONDS:
        console(stderr=True).print(f"{count:,} images take about {duration(seconds)}. Press Ctrl-C to stop.")
