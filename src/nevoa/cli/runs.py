"""`nevoa runs`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from nevoa.cli.options import Force, Json, Out, Plugin
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.runs import Run, Summary

# With fewer images a Fréchet distance is noisy and biased upwards.
FEW = 2048

app = App(name="runs", help="List runs, draw their losses, and check their files.")


@app.default
def list_(folder: Path = Path("runs"), /, *, as_json: Json = False) -> None:
    """List the runs in a folder, or a run: status, progress and quality.

    The loss is that of the last report: the mean over the images since the report before.

    Args:
        folder: The folder that contains the runs, or a run.
        as_json: Print a JSON list.
    """
    from nevoa.cli.terminal import Records, console
    from nevoa.runs import Run, Summary, chosen_in_words, runs_in

    found = [Run(folder)] if Run(folder).exists else runs_in(folder)
    out, summaries = console(), list(map(Summary.of, found))
    if as_json:
        print(json.dumps([asdict(summary) for summary in summaries]))
        return
    if not summaries:
        out.print(f"There are no runs in {folder} yet. 'nevoa train' makes one.")
        return
    columns = "run", "status", "images seen", "loss", "quality", "size"
    out.print(Records(columns, [_row(summary) for summary in summaries], right=columns[2:]))
    for summary in summaries:
        if summary.status == "failed":
            out.print(f"{summary.name} failed: {summary.message}")
        if summary.model_images is not None:
            out.print(f"The model of {summary.name} is {chosen_in_words(summary.model_images)}.")


@app.command
def check(run: Path, /, *, plugin: Plugin = (), as_json: Json = False) -> None:
    """Read every file of a run and name the damaged ones.

    Args:
        run: A run folder.
        as_json: Print a JSON list of parts, each with its problem; "" if there is none.
    """
    from nevoa.runs import Run
    from nevoa.runs.check import check as parts_of

    problems = dict(parts_of(Run(run)))
    if as_json:
        print(json.dumps([{"part": part, "problem": problem} for part, problem in problems.items()]))
    else:
        _print_parts(run, problems)
    if damaged := sum(map(bool, problems.values())):
        where = "" if as_json else ", listed above"
        raise NevoaError(f"{run} has {damaged} damaged part{'s' * (damaged > 1)}{where}.")


def _print_parts(run: Path, problems: dict[str, str]) -> None:
    from nevoa.cli.terminal import console
    from nevoa.runs import Run

    out, previews = console(), set(Run(run).previews())
    for part, problem in problems.items():
        if problem:
            out.print(f"{part}: {problem}", style="red")
        elif run / part not in previews:  # there may be hundreds
            out.print(f"{part}: valid")
    if valid := sum(not problem and run / part in previews for part, problem in problems.items()):
        out.print(f"previews: {valid:,} valid")


@app.command
def plot(run: Path, /, *others: Path, out: Out = None, force: Force = False) -> None:
    """Draw the loss of runs over the images they have seen.

    Args:
        run: A run folder.
        others: Further runs, to compare with.
        out: The .png to write. [default: loss.png, then loss-2.png and so on]
    """
    from nevoa._util.reserve import numbered, reserve_output
    from nevoa.commands.written import check_is_png
    from nevoa.data import printable
    from nevoa.pictures import loss_curves, png_bytes
    from nevoa.runs import Run

    check_is_png(out)
    runs = {printable(str(folder)): Run(folder) for folder in (run, *others)}
    # Losses of different kinds are not comparable: say which is which.
    kinds = {name: _kind_of_loss(one) for name, one in runs.items()}
    differ = len(set(kinds.values())) > 1
    titles = {name: f"{name} ({kinds[name]})" if differ else name for name in runs}
    with reserve_output([out] if out else numbered("loss.png"), force and out is not None) as reserved:
        picture = loss_curves({titles[name]: one.metrics() for name, one in runs.items()})
        reserved.temporary.write_bytes(png_bytes(picture))
    print(f"Loss of {', '.join(runs)}: {reserved.path}")


def _kind_of_loss(run: "Run") -> str:
    from nevoa.config.sections import flat
    from nevoa.config.toml import read_tables
    from nevoa.runs import not_a_run

    if not run.exists:
        raise not_a_run(run)
    plan = flat(read_tables(run.plan_file))
    weighting = plan.get("training.weighting")
    of = "flow" if weighting == "flow" else plan.get("diffusion.prediction")
    return f"{plan.get('training.loss')} of {of}" + ", min-SNR" * (weighting == "min_snr")


def _row(summary: "Summary") -> tuple[str, ...]:
    planned = f" of {summary.images_planned:,}" if summary.images_planned else ""
    loss = "" if summary.loss is None else f"{summary.loss:.4f}"
    seen, size = f"{summary.images_seen:,}{planned}", f"{summary.size / 1e6:,.0f} MB"
    return summary.name, summary.status, seen, loss, _quality(summary), size


def _quality(summary: "Summary") -> str:
    """The distance; with the number of images where a small one makes it too high."""
    if summary.quality is None:
        return ""
    name, distance, images = summary.quality
    return f"{name} {distance:.3g}{f' ({images:,} images)' * (images < FEW)}"
