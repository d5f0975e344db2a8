"""`nevoa data`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from nevoa.cli import options
from nevoa.cli.preparation import data_of, left_out, say_bad, show_preparation
from nevoa.errors import NevoaError, unknown

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from nevoa.data import ImageSet
    from nevoa.data.catalog import Dataset

app = typer.Typer(help="The images to train on.", no_args_is_help=True)

PER_CLASS = 16
MOST_ROWS = 20
LIST_WIDTH = 250
Source = Annotated[
    str, typer.Argument(help="A folder, a .zip, .tar, .npy, .npz, .parquet or idx file, hf:OWNER/NAME, or a name.")
]


@app.command("list")
def list_() -> None:
    """The named data sets."""
    from nevoa.data import CATALOG

    columns = "name", "images", "size", "classes", "licence", "from"
    table = Table(*(Column(name, no_wrap=True) for name in columns), box=None, pad_edge=False)
    for name, dataset in CATALOG.items():
        size = "x".join(map(str, dataset.size)) if dataset.size else "mixed"
        counts = ", ".join(f"{count:,} {split}" if count else split for split, count in dataset.counts.items())
        colour = "gray" if dataset.channels == 1 else "colour"
        table.add_row(name, counts, f"{size}, {colour}", _classes(dataset), dataset.licence, dataset.where)
    # Wider than many terminals: a line that goes on below can be read, a column cut off cannot.
    wide = Console(width=LIST_WIDTH, highlight=False)
    with wide.capture() as text:
        wide.print(table)
    typer.echo("\n".join(line.rstrip() for line in text.get().splitlines()))


@app.command()
def prepare(
    source: Source,
    split: options.Split = None,
    classes: options.Classes = None,
    limit: options.Limit = None,
    size: options.Size = None,
    channels: options.Channels = None,
    background: options.Background = None,
    strict: options.Strict = None,
) -> None:
    """Decode the images of a source once and for all; 'nevoa train' does it by itself where it is needed."""
    from nevoa.data import cache_folder

    data = data_of(source, split, classes, limit, size, channels, background, strict)
    typer.echo(f"{_summary(show_preparation(data))}\nKept in {cache_folder()}")


@app.command()
def show(
    source: Source,
    split: options.Split = None,
    classes: options.Classes = None,
    limit: options.Limit = None,
    size: options.Size = None,
    channels: options.Channels = None,
    background: options.Background = None,
    strict: options.Strict = None,
    out: Annotated[Path, typer.Option(help="A .png.")] = Path("data.png"),
) -> None:
    """What is in a source: a table, and a sheet of its first images, a row for each class."""
    from nevoa._util.files import published

    if out.suffix != ".png":
        raise NevoaError(f"--out is a picture and ends in .png, not {out.name}.")
    if source and Path(source).is_dir() and out.resolve().is_relative_to(Path(source).resolve()):
        raise NevoaError(f"{out} would be one more picture of {source}: give --out another place.")
    images = show_preparation(data_of(source, split, classes, limit, size, channels, background, strict), say=False)
    typer.echo(_summary(images))
    console = Console(highlight=False, soft_wrap=True)
    if images.classes:
        console.print(_class_table(images))
    say_bad(images.notes, console, most=None)
    with published(out) as temporary:
        _sheet(images).save(temporary)
    typer.echo(f"First images{', a row for each class' * bool(images.classes)}: {out}")


@app.command()
def cache(
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="NAME", help="Remove this one.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Remove everything listed.")] = False,
    older_than: Annotated[
        float | None, typer.Option("--older-than", metavar="DAYS", min=0, help="Remove what was not used for so long.")
    ] = None,
) -> None:
    """List the decoded images in the cache, and remove those that are not needed."""
    import time

    from nevoa.data.cache import cache_folder, forget, kept

    found, now = kept(), time.time()
    if unknown_names := set(remove or ()) - {one.name for one in found}:
        raise unknown("folder in the cache", sorted(unknown_names)[0], (one.name for one in found))
    if remove or all_ or older_than is not None:
        days = float("inf") if older_than is None else older_than
        found = [one for one in found if all_ or one.name in (remove or ()) or now - one.used > days * 86_400]
        for one in found:
            forget(one)
    table = Table("name", *(Column(name, justify="right") for name in ("images", "MB", "days ago")), box=None)
    for one in found:
        images = "" if one.images is None else f"{one.images:,}"
        table.add_row(escape(one.name), images, f"{one.bytes / 1e6:,.0f}", f"{(now - one.used) / 86_400:.0f}")
    Console(highlight=False).print(table)
    verb = "removed from" if remove or all_ or older_than is not None else "in"
    typer.echo(f"{sum(one.bytes for one in found) / 1e6:,.0f} MB {verb} {cache_folder()}")


def _classes(dataset: "Dataset") -> str:
    if dataset.class_count:
        return str(dataset.class_count)
    return "none" if dataset.place and dataset.place.label == "" else "some"


def _summary(images: "ImageSet") -> str:
    from nevoa.data import size_in_words

    notes, count = images.notes, f"{len(images):,} image{'s' * (len(images) > 1)}"
    parts = [f"{images.name}: {count}, {size_in_words(*images.shape)}{left_out(notes)}"]
    if notes.sizes and notes.sizes != (images.shape[1:],) * 2:
        smallest, largest = ("x".join(map(str, size)) for size in notes.sizes)
        both = f"{smallest}, the smallest, to {largest}, the largest; height x width"
        parts.append(f"before: {smallest if smallest == largest else both}")
    if notes.ignored:
        parts.append(f"other files: {notes.ignored:,}")
    if notes.licence:
        parts.append(f"licence: {notes.licence}")
    return "\n".join(parts)


def _class_table(images: "ImageSet") -> Table:
    import numpy as np

    counts = np.bincount(images.labels, minlength=len(images.classes)).tolist()
    table = Table("index", "class", Column("images", justify="right"), box=None, pad_edge=False)
    for index, (name, count) in enumerate(zip(images.classes, counts, strict=True)):
        table.add_row(str(index), escape(name), f"{count:,}")
    return table


def _sheet(images: "ImageSet") -> "Picture":
    """The first images of each class, or of all; of very many classes, those that come first."""
    import numpy as np

    from nevoa.pictures import grid, titled_rows

    if not images.classes:
        return grid(images.images[: PER_CLASS * PER_CLASS], columns=PER_CLASS)
    shown = np.unique(images.labels)[:MOST_ROWS].tolist()
    rows = [images.images[np.flatnonzero(images.labels == label)[:PER_CLASS]] for label in shown]
    return titled_rows(rows, [images.classes[label] for label in shown])
