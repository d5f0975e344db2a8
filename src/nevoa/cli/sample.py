"""`nevoa sample`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from nevoa.cli import options
from nevoa.cli.options import names_of
from nevoa.errors import NevoaError, unknown

if TYPE_CHECKING:
    import numpy as np

    from nevoa.model import Model
    from nevoa.sampling import State

DEFAULT_COUNT = 64
DEFAULT_ROWS = 8
DEFAULT_COLUMNS = 8
# Of many classes a sheet shows fewer images each.
MOST_ROWS, MOST_TILES = 20, 256
SUFFIXES = (".png", ".npy", ".gif")
FRAMES = 60


def sample(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder.", show_default="the model of clothes in this package")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many images.",
            show_default="64; of classes 8 each; with --trajectory 8, or one of each class",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="Classes by name or index, with commas, made in turn: a row each. Quote a name that has a comma.",
            show_default="all",
        ),
    ] = None,
    guidance: options.Guidance = None,
    sampler: options.Sampler = None,
    steps: options.Steps = None,
    spacing: options.Spacing = None,
    variance: Annotated[str | None, typer.Option(help="ddpm's: small or large.", show_default="the run's")] = None,
    eta: options.Eta = None,
    clip: Annotated[
        bool | None,
        typer.Option("--clip/--no-clip", help="Clip x_0 to [-1, 1] at every step.", show_default="the run's"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Image n of a seed is always the same.")] = 0,
    trajectory: Annotated[
        int | None, typer.Option(min=2, metavar="K", help="Rows: one image each, K moments from noise to image.")
    ] = None,
    plugin: options.Plugin = None,
    out: Annotated[
        Path,
        typer.Option(
            help="x.png: a grid. x.npy: uint8 [N, H, W, C]. x.gif: the way out of the noise. x: a folder of PNGs."
        ),
    ] = Path("images.png"),
) -> None:
    """Make new images with a trained model."""
    from nevoa.model import labels_of
    from nevoa.runs.run import PACKAGED, load

    kind = _kind(out, trajectory)
    model = load(run or PACKAGED)
    wishes = {"sampler": sampler, "steps": steps, "spacing": spacing, "variance": variance, "eta": eta, "clip": clip}
    settings = model.settings(**wishes, guidance=guidance)  # pyright: ignore[reportArgumentType]
    labels = labels_of(model.classes, [label] if label and label in model.classes else names_of(label))
    total = count or _default_count(len(labels), trajectory is not None)
    if total > MOST_TILES and (trajectory or kind == ".gif"):
        raise NevoaError(f"A picture of the way out of the noise holds up to {MOST_TILES} images, not {total}.")
    if trajectory and settings.steps and trajectory > settings.steps + 1:
        raise NevoaError(f"With {settings.steps} steps --trajectory is between 2 and {settings.steps + 1}.")
    moments = trajectory or (FRAMES if kind == ".gif" else 1)
    frames = _generate(model, total, moments, {**settings.model_dump(), "seed": seed, "labels": labels or None})
    rows = min(len(labels), total) if 1 < len(labels) <= MOST_TILES else None
    _save(out, kind, frames, trajectory is not None, rows)
    named = [model.classes[one] for one in labels[:total]]
    classes = f" of {', '.join(named) if len(named) <= MOST_ROWS else f'{len(named)} classes'} in turn" if named else ""
    typer.echo(f"{total} images{classes}, {settings.sampler}, {settings.steps} steps: {out}")


def _default_count(classes: int, trajectory: bool) -> int:
    """A row for each of several classes; of one, or of none in particular, a square sheet."""
    if classes > 1:
        each = max(1, min(DEFAULT_COLUMNS, MOST_TILES // classes))
        return min(classes, MOST_ROWS) if trajectory else min(classes * each, MOST_TILES)
    return DEFAULT_ROWS if trajectory else DEFAULT_COUNT


def _kind(out: Path, trajectory: int | None) -> str:
    """The suffix that decides the format; "" for a folder."""
    if out.suffix and out.suffix not in SUFFIXES:
        raise unknown("output format", out.suffix, SUFFIXES)
    if trajectory and out.suffix != ".png":
        raise NevoaError("--trajectory makes a picture: give --out a name that ends in .png.")
    if not out.suffix and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise NevoaError(f"{out} is there already. Choose another --out, or one that ends in {', '.join(SUFFIXES)}.")
    return out.suffix


def _generate(model: "Model", count: int, moments: int, settings: dict) -> "list[np.ndarray]":
    """`moments` arrays uint8 `[N, H, W, C]`, evenly from noise to image; the last is the images."""
    import numpy as np

    from nevoa.data import to_bytes
    from nevoa.model import IMAGES_AT_ONCE

    steps = settings["steps"]
    wanted = {round(steps * (1 - i / max(1, moments - 1))) for i in range(moments)}
    batches = []
    with _progress() as progress:
        task = progress.add_task("steps", total=steps * -(-count // IMAGES_AT_ONCE))
        for states in model.trajectories(count, **settings):
            kept = [to_bytes(state.x_t) for i, state in enumerate(_seen(states, progress, task)) if i in wanted]
            batches.append(kept)
    return [np.concatenate(frame) for frame in zip(*batches, strict=True)]


def _seen(states: "Iterator[State]", progress: Progress, task: TaskID) -> "Iterator[State]":
    for index, state in enumerate(states):
        if index:
            progress.advance(task)
        yield state


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _save(out: Path, kind: str, frames: "list[np.ndarray]", trajectory: bool, rows: int | None) -> None:
    """Write the images; `rows`, of a sheet without trajectories, puts image n into row n % rows."""
    import numpy as np

    from nevoa._util.files import published
    from nevoa.data import picture_of
    from nevoa.pictures import grid, save_gif

    images = frames[-1]
    with published(out) as temporary:
        if trajectory:
            grid(np.stack(frames, axis=1).reshape(-1, *images.shape[1:]), columns=len(frames)).save(temporary)
        elif kind == ".png":
            grid(images, rows=rows).save(temporary)
        elif kind == ".gif":
            save_gif([grid(frame, rows=rows) for frame in frames], temporary)
        elif kind == ".npy":
            np.save(temporary, images)
        else:
            temporary.mkdir()
            for number, image in enumerate(images):
                picture_of(image).save(temporary / f"{number:06d}.png")
