"""`nevoa evaluate`."""

import json
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt, PositiveInt
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from nevoa.cli import options
from nevoa.errors import NevoaError, unknown
from nevoa.vocabulary import MetricName

if TYPE_CHECKING:
    from nevoa.evaluation import Reference, Report, Stage
    from nevoa.runs.run import Run

Result = TypeVar("Result")
METRICS_HELP = Parameter(
    help=f"Metrics, separated by commas: {', '.join(get_args(MetricName))}. [default: all but inception]"
)

MEANINGS = {
    "fd_": "less is better",
    "kd_": "less is better",
    "precision": "share that looks real",
    "recall": "real ones it can make",
    "density": "1: as real ones lie",
    "coverage": "real ones met",
    "confidence": "the feature network's certainty",
    "near_copies": "0.01 is chance",
    "nearest_distance_ratio": "1: as unseen ones",
    "bits_per_dim": "bound, unseen images",
    "bits_per_dim_exact": "its whole sum over t",
    "fid": "less is better",
    "kid": "less is better",
}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MetricOptions:
    """What to measure.

    Attributes:
        inception_weights: File of torch-fidelity's Inception weights, for machines without a network connection.
    """

    metrics: Annotated[str | None, METRICS_HELP] = None
    inception_weights: Path | None = None


def evaluate(
    subject: str | None = None,
    /,
    *,
    against: Annotated[str | None, Parameter(metavar="SOURCE")] = None,
    count: PositiveInt = 10_000,
    measured: MetricOptions = MetricOptions(),
    sampling: options.SamplingOptions = options.SamplingOptions(),
    sweep: bool = False,
    seed: NonNegativeInt = 0,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Measure how good images are: those of a run, which are sampled first, or those in files.

    Args:
        subject: What to measure: a run folder, an .npy file, or a folder of pictures. [default: the newest run]
        against: Data set to compare with. [default: the run's, or fashion_mnist for files]
        count: How many images.
        sweep: Instead compare samplers and numbers of steps: distance and images per second.
        seed: Seed of the run's images and of random choices in the measurement.
        as_json: Print the report as JSON.
    """
    from nevoa.config import DataConfig
    from nevoa.evaluation import Protocol, Reference, as_dict, from_files, from_run, measure, save
    from nevoa.runs.run import Run, newest_run

    path = Path(subject) if subject else newest_run()
    run = Run(path) if (path / "model").is_dir() or (path / "config.toml").is_file() else None
    wishes, metrics = sampling.keywords(), measured.metrics
    if run is None and (sweep or any(wish is not None for wish in wishes.values())):
        raise NevoaError(f"{path} is not a run; --sampler, --steps and their like say how a run makes images.")
    chosen = _metrics(metrics, run is not None)
    if sweep and (metrics or as_json or any(wish is not None for wish in wishes.values())):
        raise NevoaError("--sweep tries all samplers itself and prints a table: leave the other options out.")
    data = run.config().data if run else DataConfig(source="fashion_mnist")
    if against:
        data = DataConfig(source=against, size=data.size, channels=data.channels)
    reference = Reference.of(data)
    if run and sweep:
        _sweep(run, reference, count, seed)
        return
    with _progress() as progress:
        made = _last(from_run(run, reference, count, seed, **wishes), progress) if run else from_files(path, count)
        protocol = Protocol(reference, len(made.images), seed, made.sampler)
        report = _last(measure(made, protocol, chosen, measured.inception_weights), progress)
    if as_json:
        print(json.dumps(as_dict(report)))
    else:
        _print(report)
    if run:
        print(f"Written: {save(report, run)} and the sheet beside it", file=sys.stderr if as_json else None)


def _sweep(run: "Run", reference: "Reference", count: int, seed: int) -> None:
    """Print a row when it is measured, and keep them all in the run folder."""
    from nevoa.evaluation import save_sweep, sweep

    name = f"fd_{reference.feature_network.card.short_name}"
    print(f"{'sampler':12}{'spacing':10}{'steps':>6}{name:>12}{'images/s':>10}")
    rows = []
    for row in sweep(run.model(), reference, count, seed):
        wishes = row.wishes
        told = f"{wishes.get('sampler'):12}{wishes.get('spacing'):10}{wishes.get('steps'):6}"
        print(f"{told}{row.distance:12.4g}{row.images_per_second:10.4g}")
        rows.append(row)
    print(f"Written: {save_sweep(rows, run, count, seed)}")


def _metrics(names: str | None, has_model: bool) -> tuple[MetricName, ...]:
    """Those named; without names, all that can be had of a model or of images alone."""
    from nevoa.evaluation import DEFAULT_METRICS, METRICS

    if names is None:
        return tuple(metric for metric in DEFAULT_METRICS if has_model or metric != "bits")
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    return tuple(metric for metric in METRICS if metric in wanted)


def _last(stream: "Iterable[Stage | Result]", progress: Progress) -> Result:  # pyright: ignore[reportInvalidTypeVarUse]
    """What a stream of stages ends with; the bar shows the way there."""
    from nevoa.evaluation import Stage

    task = progress.add_task("", total=1)
    for item in stream:
        if not isinstance(item, Stage):
            progress.remove_task(task)
            return item
        progress.update(task, description=item.name, completed=item.done, total=item.total)
    raise RuntimeError("a measurement ended without a result")


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


def _print(report: "Report") -> None:
    console, protocol = Console(highlight=False, soft_wrap=True), report.protocol
    card = protocol.reference.feature_network.card
    departures = f" ({'; '.join(protocol.departures)})" if protocol.departures else ""
    console.print(f"{len(report.subject.images):,} images of {report.subject.name}{_how(report)}", markup=False)
    console.print(f"protocol {protocol.name}{departures}, against {protocol.as_dict()['reference']}")
    console.print(f"feature network {card.sha256:.12}, right on {card.accuracy:.1%} of unseen images\n")
    table = Table(
        Column("", no_wrap=True),
        Column("score", justify="right"),
        Column("floor", justify="right"),
        "",
        box=None,
        pad_edge=False,
    )
    for name, meaning in _rows(report):
        table.add_row(name, _value(report.scores, name), _value(report.floor, name), meaning)
    console.print(table)
    if report.class_shares:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in report.class_shares.items())
        console.print(f"\nclasses  {shares}")
    for warning in report.warnings:
        console.print(f"[yellow]warning[/]  {warning}")


def _how(report: "Report") -> str:
    sampler = report.subject.sampler
    return f", {sampler['sampler']} in {sampler['steps']} steps" if sampler else ""


def _rows(report: "Report") -> list[tuple[str, str]]:
    """Names and meanings; the bounds of an estimate stand behind it, not in rows of their own."""
    names = [name for name in report.scores if not name.endswith(("_low", "_high", "_se", "_std"))]
    return [(name, MEANINGS.get(name, MEANINGS.get(name[:3], ""))) for name in names]


def _value(scores: dict[str, float], name: str) -> str:
    """The score; with its standard error, or half of its 95 % interval, in as many digits as that leaves certain."""
    if name not in scores:
        return ""
    if f"{name}_low" in scores:
        error = (scores[f"{name}_high"] - scores[f"{name}_low"]) / 2
    else:
        error = scores.get(f"{name}_se", scores.get(f"{name}_std"))
    if not error:
        return f"{scores[name]:.4g}"
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{scores[name]:.{decimals}f} ± {error:.{decimals}f}"
