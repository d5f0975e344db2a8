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
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from nevoa.cli import options
from nevoa.errors import NevoaError, unknown
from nevoa.vocabulary import MetricName

if TYPE_CHECKING:
    from nevoa.evaluation import Reference, Report, Stage
    from nevoa.runs import Run

Result = TypeVar("Result")
METRICS_HELP = Parameter(
    help=f"Metrics, separated by commas: {', '.join(get_args(MetricName))}. [default: all but inception]"
)

MEANINGS = {
    "fd_": "lower is better",
    "kd_": "lower is better",
    "precision": "share that looks real",
    "recall": "real images it can make",
    "density": "1 = as dense as real images",
    "coverage": "real images matched",
    "confidence": "mean class probability",
    "near_copies": "0.01 expected by chance",
    "nearest_distance_ratio": "1 = as far as unseen images",
    "bits_per_dim": "bound on unseen images",
    "bits_per_dim_exact": "same, over all timesteps",
    "fid": "lower is better",
    "kid": "lower is better",
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
    """Measure the quality of a run's images or of images in files.

    Args:
        subject: What to measure: a run folder, an .npy file, or a folder of pictures. [default: the newest run]
        against: Data set to compare with. [default: the run's, or fashion_mnist for files]
        count: Number of images.
        sweep: Compare samplers, spacings and steps instead: quality and speed.
        seed: Seed of the images that are made and of every random choice.
        as_json: Print the report as JSON.
    """
    from nevoa.config import DataConfig
    from nevoa.evaluation import Protocol, Reference, as_dict, from_files, from_run, measure, save
    from nevoa.runs import Run, newest_run

    path = Path(subject) if subject else newest_run().folder
    run = Run(path) if Run(path).has_model or Run(path).exists else None
    given, metrics = sampling.keywords(), measured.metrics
    if run is None and (sweep or any(value is not None for value in given.values())):
        raise NevoaError(f"{path} is not a run. Leave out --sweep, --sampler and other options for making images.")
    chosen = _metrics(metrics, run is not None)
    if sweep and (metrics or as_json or any(value is not None for value in given.values())):
        raise NevoaError("--sweep tries every sampler. Leave out --metrics, --json and options for making images.")
    data = run.config().data if run else DataConfig(source="fashion_mnist")
    if against:
        data = DataConfig(source=against, size=data.size, channels=data.channels)
    reference = Reference.of(data)
    if run and sweep:
        _sweep(run, reference, count, seed)
        return
    with _progress() as progress:
        made = _last(from_run(run, reference, count, seed, **given), progress) if run else from_files(path, count)
        protocol = Protocol(reference, len(made.images), seed, made.sampler)
        report = _last(measure(made, protocol, chosen, measured.inception_weights), progress)
    if as_json:
        print(json.dumps(as_dict(report)))
    else:
        _print(report)
    if run:
        print(f"Saved {save(report, run)} and the picture beside it.", file=sys.stderr if as_json else None)


def _sweep(run: "Run", reference: "Reference", count: int, seed: int) -> None:
    """Print each row when it is measured, and save all of them in the run folder."""
    from nevoa.evaluation import save_sweep, sweep

    name = f"fd_{reference.feature_network.info.short_name}"
    width = max(8, len(name) + 2)
    print(f"{'sampler':11}{'spacing':9}{'steps':>5}{name:>{width}}{'images/s':>10}")
    rows = []
    for row in sweep(run.model(), reference, count, seed):
        made = "{sampler:11}{spacing:9}{steps:>5}".format(**row.options)
        print(f"{made}{row.distance:{width}.4g}{row.images_per_second:10.4g}")
        rows.append(row)
    print(f"Saved {save_sweep(rows, run, count, seed)}.")


def _metrics(names: str | None, has_model: bool) -> tuple[MetricName, ...]:
    """The metrics named; by default all that can be computed, with or without a model."""
    from nevoa.evaluation import DEFAULT_METRICS, METRICS

    if names is None:
        return tuple(metric for metric in DEFAULT_METRICS if has_model or metric != "bits")
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    return tuple(metric for metric in METRICS if metric in wanted)


def _last(stream: "Iterable[Stage | Result]", progress: Progress) -> Result:  # pyright: ignore[reportInvalidTypeVarUse]
    """The last item of a stream of stages, which a progress bar shows."""
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
    from nevoa.cli.terminal import console

    errors = console(stderr=True)
    return Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True)


def _print(report: "Report") -> None:
    from nevoa.cli.terminal import Records, console

    out, protocol = console(), report.protocol
    info = protocol.reference.feature_network.info
    out.print(f"{report.samples.title}: {report.samples.name}")
    out.print(f"protocol {protocol.title}")
    out.print(f"reference {protocol.as_dict()['reference']}")
    out.print(f"feature network {info.sha256:.12}, right on {info.accuracy:.1%} of unseen images\n")
    rows = [(name, _value(report.scores, name), _value(report.floor, name), meaning) for name, meaning in _rows(report)]
    out.print(Records(("", "score", "floor", ""), rows, right=("score", "floor")))
    if report.class_shares:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in report.class_shares.items())
        out.print(f"\nclasses: {shares}")
    for warning in report.warnings:
        out.print(f"Warning: {warning}.")


def _rows(report: "Report") -> list[tuple[str, str]]:
    """Names and meanings of the scores, without those that are errors of others."""
    names = [name for name in report.scores if not name.endswith(("_low", "_high", "_se", "_std"))]
    return [(name, MEANINGS.get(name, MEANINGS.get(name[:3], ""))) for name in names]


def _value(scores: dict[str, float], name: str) -> str:
    """A score and its standard error, or half of its 95 % interval, rounded to two digits of the error."""
    if name not in scores:
        return ""
    if f"{name}_low" in scores:
        error = (scores[f"{name}_high"] - scores[f"{name}_low"]) / 2
    else:
        error = scores.get(f"{name}_se", scores.get(f"{name}_std"))
    if not error:
        return f"{scores[name]:.4g}"
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{scores[name]:.{decimals}f}±{error:.{decimals}f}"
