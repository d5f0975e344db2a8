"""`nevoa evaluate`."""

import json
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt, PositiveInt

from nevoa.cli.options import Json, Names, SamplerFlags, options_named
from nevoa.cli.processes import ProcessFlags
from nevoa.commands import evaluate as command
from nevoa.config.registry import METRICS
from nevoa.errors import NevoaError
from nevoa.parallel.environment import rank, world_size

if TYPE_CHECKING:
    from nevoa.evaluation import Report
    from nevoa.evaluation.sweep import Row

METRICS_HELP = Parameter(
    help=f"Metrics, separated by commas: {', '.join(METRICS.own)}. [default: all that can be measured but inception]"
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ComparedFlags:
    __doc__ = command.evaluate.__doc__

    against: Annotated[str | None, Parameter(metavar="SOURCE")] = None
    count: PositiveInt = command.COUNT
    seed: NonNegativeInt = 0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MetricFlags:
    __doc__ = command.evaluate.__doc__

    metrics: Annotated[Names, METRICS_HELP] = ()
    inception_weights: Path | None = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class InsteadFlags:
    """Measurements in place of all scores of one run.

    Attributes:
        sweep: Compare the quality and speed of samplers, spacings and numbers of steps; print no report.
        compare: Compare the distances of these runs, each with its own sampling settings; print no report.
    """

    sweep: bool = False
    compare: Annotated[tuple[str, ...], Parameter(consume_multiple=True, metavar="RUN RUN")] = ()


def evaluate(
    subject: str | None = None,
    /,
    *,
    compared: ComparedFlags = ComparedFlags(),
    measured: MetricFlags = MetricFlags(),
    sampling: SamplerFlags = SamplerFlags(),
    instead: InsteadFlags = InsteadFlags(),
    processes: ProcessFlags = ProcessFlags(),
    as_json: Json = False,
) -> None:
    from nevoa.cli.compare import print_comparison
    from nevoa.commands.compare import compare

    given = {name: value for name, value in sampling.keywords().items() if value is not None}
    if instead.sweep and (processes.processes or world_size() > 1):
        raise NevoaError("--sweep measures the speed of one process: leave out --processes and torchrun.")
    if instead.compare and (instead.sweep or measured.metrics):
        raise NevoaError("--compare compares Fréchet distances: leave out --sweep and --metrics.")
    if instead.sweep and (measured.metrics or as_json or given):
        raise NevoaError("--sweep tries every sampler: leave out --metrics, --json and the sampling options.")
    if (instead.compare or instead.sweep) and measured.inception_weights:
        raise NevoaError("--inception-weights needs --metrics inception: leave out the file.")
    processes.start()
    with options_named(given):
        if instead.compare:
            runs = *([subject] if subject else ()), *instead.compare
            print_comparison(compare(*runs, **vars(compared), **given), as_json)
        elif instead.sweep:
            _print_rows(command.sweep(subject, **vars(compared)))
        else:
            report = command.evaluate(subject, **vars(compared), **vars(measured), **given)
            if not rank():  # the first process measures
                print_report(report, bool(measured.metrics), as_json)


evaluate.__doc__ = command.evaluate.__doc__


def _print_rows(rows: "Generator[Row, None, Path | None]") -> None:
    """Print each row when it is measured."""
    for number, row in enumerate(_saying_where(rows)):
        width = max(8, len(row.score) + 2)
        if not number:  # a header only if there is something below it
            print(f"{'sampler':11}{'spacing':9}{'steps':>5}{row.score:>{width}}{'images/s':>10}")
        made = "{sampler:11}{spacing:9}{steps:>5}".format(**row.options)
        print(f"{made}{row.distance:{width}.4g}{row.images_per_second:10.4g}")


def _saying_where(rows: "Generator[Row, None, Path | None]") -> "Iterator[Row]":
    _say_where((yield from rows))


def print_report(report: "Report", chosen: bool = False, as_json: bool = False) -> None:
    """Print a report and where it was saved; all of it if a run's report could not be saved.

    Args:
        chosen: whether the metrics were named.
    """
    from nevoa.evaluation import as_dict

    if as_json:
        print(json.dumps(as_dict(report)))
    else:
        _print(report, chosen)
    _say_where(report.file, as_json)
    if report.samples.weights and not report.file and not as_json:
        print(json.dumps(as_dict(report)))


def _say_where(path: Path | None, as_json: bool = False) -> None:
    """Print where a measurement was saved; to stderr beside JSON."""
    if path:
        picture = " and the picture beside it" if path.with_suffix(".png").exists() else ""
        print(f"Saved {path}{picture}.", file=sys.stderr if as_json else None)


def _print(report: "Report", chosen: bool = False) -> None:
    from nevoa.cli.terminal import Records, console
    from nevoa.evaluation import left_out
    from nevoa.evaluation.report import in_order, rounded
    from nevoa.runs.reports import is_part

    out, protocol, scores, samples = console(), report.protocol, report.scores, report.samples
    info = protocol.reference.feature_network.info
    out.print(f"{samples.title}: {samples.name}")
    out.print(f"protocol {protocol.title}")
    out.print(f"reference {protocol.as_dict()['reference']}")
    out.print(f"feature network {info.sha256:.12}, {info.skill}")
    out.print()
    # Errors and intervals stand beside their scores.
    meanings = in_order(report)
    names = [name for name in meanings if not is_part(name, meanings)]
    values = [rounded(scores[name], _error(scores, name)) for name in names]
    floors = {name: rounded(score, report.floor_spread.get(name)) for name, score in report.floor.items()}
    floor = [floors.get(name, "") for name in names]
    rows = list(zip(names, values, floor, [meanings[name] for name in names], strict=True))
    out.print(Records(("", "score", "floor", ""), rows, right=("score", "floor")))
    if report.class_shares:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in report.class_shares.items())
        out.print(f"\nclasses: {shares}")
    plan = samples.model.plan if samples.model else None
    said = () if chosen else left_out(protocol.reference, len(samples.images), plan)
    for sentence in said:
        out.print(sentence.partition(". ")[0])  # what is not measured; why was said before
    for warning in (warning for warning in report.warnings if warning not in said):
        out.print(f"Warning: {warning}.")


def _error(scores: dict[str, float], name: str) -> float | None:
    """The standard error of a score, or half of its 95 % interval."""
    if f"{name}_low" in scores:
        return (scores[f"{name}_high"] - scores[f"{name}_low"]) / 2
    return scores.get(f"{name}_se", scores.get(f"{name}_std"))
