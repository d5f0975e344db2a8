"""`nevoa runs`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from nevoa.cli import options
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.runs.overview import Summary

app = typer.Typer(help="The runs there are, and whether they are whole.")


@app.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    folder: Annotated[Path, typer.Option("--in", help="The folder of runs.")] = Path("runs"),
) -> None:
    """The runs in a folder: how each stands, how far it came, how good it is."""
    if context.invoked_subcommand:
        return
    from nevoa.runs.overview import Summary, runs_in

    numbers = [Column(name, justify="right") for name in ("images seen", "loss", "quality", "size")]
    table = Table(Column("run", no_wrap=True), "state", *numbers, box=None, pad_edge=False)
    failures = []
    for run in runs_in(folder):
        summary = Summary.of(run)
        table.add_row(*_row(summary))
        if summary.state == "failed":
            failures.append(f"{summary.name} failed: {summary.message}")
    console = Console(soft_wrap=True, highlight=False)
    console.print(table if table.row_count else f"There are no runs in {folder} yet. 'nevoa train' makes one.")
    for failure in failures:
        console.print(failure, markup=False)


@app.command()
def check(
    run: Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")], plugin: options.Plugin = None
) -> None:
    """Read every file of a run, and name what is damaged."""
    from nevoa.runs.check import check as parts_of
    from nevoa.runs.run import Run

    console, damaged, pictures = Console(soft_wrap=True, highlight=False), 0, 0
    for part, problem in parts_of(Run(run)):
        damaged += bool(problem)
        if problem:
            console.print(f"[red]{escape(part)}: {escape(problem)}")
        elif part.startswith("samples/"):  # of which there may be hundreds
            pictures += 1
        else:
            console.print(f"{escape(part)}: whole")
    if pictures:
        console.print(f"samples: {pictures:,} whole")
    if damaged:
        raise NevoaError(f"Damaged parts of {run}: {damaged}.")


def _row(summary: "Summary") -> tuple[str, ...]:
    planned = f" of {summary.images_planned:,}" if summary.images_planned else ""
    loss = "" if summary.loss is None else f"{summary.loss:.4f}"
    quality = "{} {:.3g}".format(*summary.quality) if summary.quality else ""
    name, seen = escape(summary.name), f"{summary.images_seen:,}{planned}"
    return name, summary.state, seen, loss, quality, f"{summary.size / 1e6:,.0f} MB"
