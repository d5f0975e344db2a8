"""Options that several commands take: which images, and how a run makes new ones."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from nevoa.errors import NevoaError
from nevoa.plugins import load_plugins

Split = Annotated[str | None, typer.Option(help="train, test, or another that the source has.", show_default="train")]
Classes = Annotated[
    str | None, typer.Option(help="Only these, by name or index, with commas: cat,dog.", show_default="all")
]
Limit = Annotated[int | None, typer.Option(help="At most so many images, drawn at random, always the same ones.")]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="S|HxW", help="Resize and crop to this, 4 to 1024, without squashing.", show_default="their own; 64"
    ),
]
Channels = Annotated[int | None, typer.Option(help="1: gray; 3: colour.", show_default="as the images are")]
Background = Annotated[
    str | None, typer.Option(help="Colour behind what is transparent: a name or #rrggbb.", show_default="white")
]
Strict = Annotated[
    bool | None,
    typer.Option("--strict", help="Refuse a source of which anything has to be left out.", show_default="no"),
]

Sampler = Annotated[str | None, typer.Option(help="ddpm, ddim or dpm_solver.", show_default="the run's")]
Steps = Annotated[
    int | None,
    typer.Option(help="Evaluations of the network per image.", show_default="the run's; another sampler has its own"),
]
Spacing = Annotated[
    str | None,
    typer.Option(
        help="Of the timesteps: trailing, leading, log_snr or karras.",
        show_default="the run's; of another sampler trailing",
    ),
]
Guidance = Annotated[
    float | None,
    typer.Option(
        help="How much of the class: 0 none, 1 as in the data, 2 and more exaggerated.", show_default="the run's"
    ),
]
Eta = Annotated[float | None, typer.Option(help="ddim's share of fresh noise, 0 to 1.", show_default="the run's")]


def _load(files: list[Path] | None) -> list[Path] | None:
    load_plugins(files or ())
    return files


Plugin = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE.py", callback=_load, help="Import a Python file that registers a network. May be repeated."
    ),
]


def names_of(text: str | None) -> list[str] | None:
    """`cat,dog` as names; one with a comma in it stands in quotes."""
    if text is None:
        return None
    names = next(csv.reader([text.replace("\n", " ")], skipinitialspace=True), [])
    return [name.strip() for name in names] or [""]


def size_of(text: str | None) -> int | tuple[int, int] | None:
    """`64` or `30x50` as a side, or as height and width. A NevoaError for anything else."""
    if text is None:
        return None
    try:
        sides = [int(side) for side in text.lower().split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2):
        raise NevoaError(f"--size is a side or HEIGHTxWIDTH, such as 64 or 30x50, not '{text}'.")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])
