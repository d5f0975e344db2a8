"""`nevoa data`."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from nevoa.cli.options import Source, SourceOptions
from nevoa.cli.preparation import data_of, left_out, list_unusable, show_preparation
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from nevoa.data import ImageSet
    from nevoa.data.catalog import Dataset

app = App(name="data", help="List, inspect and prepare images to train on.")

PER_CLASS = 16
MOST_ROWS = 20
COLUMNS = "name", "images", "size", "classes", "licence", "from"


@app.command(name="list")
def list_() -> None:
    """List the named data sets."""
    from nevoa.cli.terminal import Records, console
    from nevoa.data import CATALOG

    console().print(Records(COLUMNS, [_row(name, dataset) for name, dataset in CATALOG.items()]))


@app.command
def prepare(source: Source, /, *, images: SourceOptions = SourceOptions()) -> None:
    """Decode the images of a source and cache them. 'nevoa train' does this itself when needed."""
    from nevoa.data import cache_folder

    print(f"{_summary(show_preparation(data_of(source, images)))}\nCached in {cache_folder()}")


@app.command
def show(source: Source, /, *, images: SourceOptions = SourceOptions(), out: Path = Path("data.png")) -> None:
    """Summarise a source, list its classes and unusable files, and draw its first images, a row for each class.

    Args:
        out: The .png to write.
    """
    from nevoa._util.files import published
    from nevoa.cli.terminal import Records, console

    if out.suffix != ".png":
        raise NevoaError(f"--out is a picture: choose a name that ends in .png, not {out.name}.")
    if source and Path(source).is_dir() and out.resolve().is_relative_to(Path(source).resolve()):
        raise NevoaError(f"{out} would become one more image of {source}: choose an --out outside of it.")
    found = show_preparation(data_of(source, images), say=False)
    screen = console()
    screen.print(_summary(found))
    if found.classes:
        screen.print(Records(("index", "class", "images"), _class_rows(found), right=("images",)))
    list_unusable(found.notes, screen, most=None)
    with published(out) as temporary:
        _sheet(found).save(temporary)
    print(f"First images{', a row for each class' * bool(found.classes)}: {out}")


def _row(name: str, dataset: "Dataset") -> tuple[str, ...]:
    size = "x".join(map(str, dataset.size)) if dataset.size else "mixed"
    counts = ", ".join(f"{count:,} {split}" if count else split for split, count in dataset.counts.items())
    colour = "gray" if dataset.channels == 1 else "colour"
    return name, counts, f"{size}, {colour}", _classes(dataset), dataset.licence, dataset.where


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
        span = smallest if smallest == largest else f"{smallest} (smallest) to {largest} (largest)"
        parts.append(f"original size, height x width: {span}")
    if notes.ignored:
        parts.append(f"other files: {notes.ignored:,}")
    if notes.licence:
        parts.append(f"licence: {notes.licence}")
    return "\n".join(parts)


def _class_rows(images: "ImageSet") -> list[tuple[str, ...]]:
    import numpy as np

    counts = np.bincount(images.labels, minlength=len(images.classes)).tolist()
    return [(str(i), name, f"{count:,}") for i, (name, count) in enumerate(zip(images.classes, counts, strict=True))]


def _sheet(images: "ImageSet") -> "Picture":
    """The first images, in rows of each class if there are classes; at most MOST_ROWS classes."""
    import numpy as np

    from nevoa.pictures import grid, titled_rows

    if not images.classes:
        return grid(images.images[: PER_CLASS * PER_CLASS], columns=PER_CLASS)
    shown = np.unique(images.labels)[:MOST_ROWS].tolist()
    rows = [images.images[np.flatnonzero(images.labels == label)[:PER_CLASS]] for label in shown]
    return titled_rows(rows, [images.classes[label] for label in shown])
