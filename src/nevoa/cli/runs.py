"""`nevoa runs`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from nevoa.cli.table import show_table
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.runs import Summary

app = typer.Typer(help="List runs, and check their files.")

COLUMNS = ("run", "status", "images seen", "loss", "quality", "size")


@app.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    folder: Annotated[Path, typer.Option("--in", help="Folder that contains the runs.")] = Path("runs"),
) -> None:
    """List the runs in a folder: status, progress and quality."""
    if context.invoked_subcommand:
        return
    from nevoa.runs import Summary, runs_in

    console = Console(highlight=False)
    summaries = [Summary.of(run) for run in runs_in(folder)]
    if not summaries:
        console.print(f"There are no runs in {folder} yet. 'nevoa train' makes one.", markup=False)
        return
    show_table(console, COLUMNS, [_row(summary) for summary in summaries], right=COLUMNS[2:])
    for summary in summaries:
        if summary.status == "failed":
            console.print(f"{summary.name} failed: {summary.message}", markup=False)


@app.command()
def check(run: Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")]) -> None:
    """Read every file of a run and name the damaged ones."""
    from nevoa.runs import Run
    from nevoa.runs.check import check as parts_of

    console, damaged, previews = Console(highlight=False), 0, 0
    target = Run(run)
    for part, problem in parts_of(target):
        if problem:
            damaged += 1
            console.print(Text(f"{part}: {problem}", style="red", overflow="fold"))
        elif run / part in target.previews():  # there may be hundreds
            previews += 1
        else:
            console.print(Text(f"{part}: valid", overflow="fold"))
    if previews:
        console.print(f"previews: {previews:,} valid")
    if damaged:
        raise NevoaError(f"Damaged parts of {run}: {damaged}.")


def _row(summary: "Summary") -> tuple[str, ...]:
    planned = f" of {summary.images_planned:,}" if summary.images_planned else ""
    loss = "" if summary.loss is None else f"{summary.loss:.4f}"
    quality = "{} {:.3g}".format(*summary.quality) if summary.quality else ""
    seen, size = f"{summary.images_seen:,}{planned}", f"{summary.size / 1e6:,.0f} MB"
    return summary.name, summary.status, seen, loss, quality, size
