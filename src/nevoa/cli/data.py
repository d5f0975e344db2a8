"""`nevoa data`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from nevoa.errors import NevoaError

app = typer.Typer(help="The data sets.", no_args_is_help=True)

PER_CLASS = 16


@app.command("list")
def list_() -> None:
    """The named data sets."""
    from nevoa.data import CATALOG

    columns = "images", "size", "classes", "licence", "from"
    table = Table(Column("name", no_wrap=True), *columns, box=None, pad_edge=False)
    for name, dataset in CATALOG.items():
        channels, height, width = dataset.shape
        counts = ", ".join(f"{count:,} {split}" for split, count in dataset.counts.items())
        size = f"{height}x{width}, {'gray' if channels == 1 else 'colour'}"
        table.add_row(name, counts, size, str(len(dataset.classes)), dataset.licence, dataset.where)
    Console(soft_wrap=True).print(table)


@app.command()
def show(
    source: Annotated[str, typer.Argument(help="A data set.")],
    out: Annotated[Path, typer.Option(help="A .png.")] = Path("data.png"),
) -> None:
    """A sheet of a data set's first images, one row per class."""
    import numpy as np

    from nevoa.data import open_source
    from nevoa.files import published
    from nevoa.pictures import grid

    if out.suffix != ".png":
        raise NevoaError(f"--out is a picture and ends in .png, not {out.name}.")
    images = open_source(source)
    rows = [images.images[np.flatnonzero(images.labels == label)[:PER_CLASS]] for label in range(len(images.classes))]
    with published(out) as temporary:
        grid(np.concatenate(rows), columns=PER_CLASS).save(temporary)
    typer.echo(f"{images.name}: {len(images):,} images; a row each of {', '.join(images.classes)}: {out}")
