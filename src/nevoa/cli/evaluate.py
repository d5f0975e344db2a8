"""`nevoa evaluate`."""

import json
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt, PositiveInt

from nevoa.cli.compare import compare_runs
from nevoa.cli.loading import load_torch
from nevoa.cli.measuring import Subject, last_of, opened
from nevoa.cli.options import Json, Names, SamplingFlags, names_of, options_named
from nevoa.cli.processes import ProcessFlags
from nevoa.config.registry import METRICS
from nevoa.errors import NevoaError, reason
from nevoa.parallel.launched import rank, world_size

if TYPE_CHECKING:
    from nevoa.evaluation import Reference, Report
    from nevoa.runs import Run

METRICS_HELP = Parameter(
    help=f"Metrics, separated by commas: {', '.join(METRICS.own)}. [default: all that can be measured but inception]"
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MetricFlags:
    """Options that choose metrics.

    Attributes:
        inception_weights: File of torch-fidelity's Inception weights, for machines without a network connection.
    """

    metrics: Annotated[Names, METRICS_HELP] = ()
    inception_weights: Path | None = None

    def names(self) -> list[str] | None:
        """The metrics named; None means not given."""
        names = [METRICS.checked(name) for name in names_of(self.metrics)]
        if self.inception_weights and "inception" not in names:
            raise NevoaError("--inception-weights needs --metrics inception: add it, or leave out the file.")
        return names or None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class InsteadFlags:
    """What to measure instead of all scores of one run.

    Attributes:
        sweep: Compare the quality and speed of samplers, spacings and numbers of steps; print no report.
        compare: Compare the distances of these runs, each with its own sampling settings; print no report.
    """

    sweep: bool = False
    compare: Annotated[tuple[str, ...], Parameter(consume_multiple=True, metavar="RUN RUN")] = ()

    def runs(self, subject: str | None) -> tuple[str, ...]:
        """The runs to compare; none without --compare. A NevoaError if there is only one."""
        runs = (*([subject] if subject else ()), *self.compare) if self.compare else ()
        if len(runs) == 1:
            raise NevoaError(f"--compare needs several runs: name another beside {runs[0]}.")
        return runs


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ComparedFlags:
    """How many images to compare, and with which.

    Attributes:
        against: Source of real images to compare with, resized to the size of the images. [default: the run's source;
            fashion_mnist for files; required for models of diffusers and the Hub]
        count: Number of images.
        seed: Seed of every random choice.
    """

    against: Annotated[str | None, Parameter(metavar="SOURCE")] = None
    count: PositiveInt = 10_000
    seed: NonNegativeInt = 0


def evaluate(
    subject: str | None = None,
    /,
    *,
    compared: ComparedFlags = ComparedFlags(),
    measured: MetricFlags = MetricFlags(),
    sampling: SamplingFlags = SamplingFlags(),
    instead: InsteadFlags = InsteadFlags(),
    processes: ProcessFlags = ProcessFlags(),
    as_json: Json = False,
) -> None:
    """Measure the quality of a run's images or of images in files.

    Args:
        subject: A run folder, a folder of diffusers, hf:OWNER/NAME, an .npy file, or a folder of images. [default: the
            newest run]
        as_json: Print the report as JSON.
    """
    runs = instead.runs(subject)
    given = {name: value for name, value in sampling.keywords().items() if value is not None}
    if instead.sweep and (processes.processes or world_size() > 1):
        raise NevoaError("--sweep measures the speed of one process: leave out --processes and torchrun.")
    if runs and (instead.sweep or measured.metrics):
        raise NevoaError("--compare compares Fréchet distances: leave out --sweep and --metrics.")
    processes.start()
    if runs:
        load_torch()
        compare_runs(runs, compared.against, compared.count, compared.seed, given, as_json)
        return
    found = opened(subject, compared.against)
    if found.run is None and (instead.sweep or (given and found.model is None)):
        raise NevoaError(f"{subject} is not a run: leave out --sweep, --sampler and the other sampling options.")
    if instead.sweep and (measured.metrics or as_json or given):
        raise NevoaError("--sweep tries every sampler: leave out --metrics, --json and the sampling options.")
    load_torch()
    metrics, found = measured.names(), found.read(Path(subject or ""), compared.count)
    reference = found.reference(compared.against)
    if found.run and instead.sweep:
        _sweep(found.run, reference, compared.count, compared.seed)
    else:
        _score(found, reference, compared, metrics, measured.inception_weights, given, as_json)


def _score(
    subject: Subject,
    reference: "Reference",
    compared: ComparedFlags,
    metrics: list[str] | None,
    inception_weights: Path | None,
    given: dict[str, Any],
    as_json: bool,
) -> None:
    """Make images, measure them, print the report, and save that of a run in its folder."""
    from nevoa.cli.terminal import console, progress_bar
    from nevoa.evaluation import Protocol, choose_metrics, left_out, measure
    from nevoa.parallel.group import joined

    files, seed = subject.files, compared.seed
    count = len(files.images) if files else compared.count
    config = subject.config()
    choose_metrics(reference, metrics, count, config)  # refuses before images are made
    said = () if metrics else left_out(reference, count, config)
    for sentence in said:
        console(stderr=True).print(f"nevoa: warning: {sentence}.")
    with joined().telling(), options_named(given), progress_bar() as progress:
        samples = last_of(subject.images(reference, count, seed, **given), progress)
        if rank():  # the first process measures
            return
        protocol = Protocol(reference, len(samples.images), seed, samples.sampler)
        report = last_of(measure(samples, protocol, metrics, inception_weights), progress)
    _show(report, subject.run, as_json, said)


def _sweep(run: "Run", reference: "Reference", count: int, seed: int) -> None:
    """Print each row when it is measured, and save all of them in the run folder."""
    from nevoa.evaluation import Protocol, save_sweep, sweep

    name = f"fd_{reference.feature_network.info.short_name}"
    width = max(8, len(name) + 2)
    rows = []
    for row in sweep(run.model(), reference, count, seed):
        if not rows:  # a header only if there is something below it
            print(f"{'sampler':11}{'spacing':9}{'steps':>5}{name:>{width}}{'images/s':>10}")
        made = "{sampler:11}{spacing:9}{steps:>5}".format(**row.options)
        print(f"{made}{row.distance:{width}.4g}{row.images_per_second:10.4g}")
        rows.append(row)
    _save(lambda run: save_sweep(rows, run, Protocol(reference, count, seed)), run)


def _show(report: "Report", run: "Run | None", as_json: bool, said: Collection[str] = ()) -> None:
    """Print a report but for the warnings that were said, and save that of a run in its folder."""
    from nevoa.evaluation import as_dict, save

    if as_json:
        print(json.dumps(as_dict(report)))
    else:
        _print(report, said)
    if run and not _save(lambda run: save(report, run), run, as_json) and not as_json:
        print(json.dumps(as_dict(report)))


def _save(write: "Callable[[Run], Path]", run: "Run", as_json: bool = False) -> bool:
    """Save what was measured in the run folder, or in a new folder elsewhere; return whether it could be saved.

    Args:
        as_json: keep stdout for the JSON.
    """
    from nevoa.cli.terminal import console
    from nevoa.runs import Run

    for place in (run.folder, Path.cwd(), Path(gettempdir())):
        try:
            name = f"{run.folder.absolute().name}-evaluation-"
            path = write(run if place == run.folder else Run(Path(mkdtemp(prefix=name, dir=place))))
        except (NevoaError, OSError) as error:
            console(stderr=True).print(f"nevoa: warning: Cannot save the evaluation in {place}: {reason(error)}")
            continue
        picture = " and the picture beside it" if path.with_suffix(".png").exists() else ""
        print(f"Saved {path}{picture}.", file=sys.stderr if as_json else None)
        return True
    return False


def _print(report: "Report", said: Collection[str] = ()) -> None:
    from nevoa.cli.terminal import Records, console
    from nevoa.evaluation.metrics import meaning
    from nevoa.evaluation.report import rounded

    out, protocol, scores = console(), report.protocol, report.scores
    info = protocol.reference.feature_network.info
    out.print(f"{report.samples.title}: {report.samples.name}")
    out.print(f"protocol {protocol.title}")
    out.print(f"reference {protocol.as_dict()['reference']}")
    out.print(f"feature network {info.sha256:.12}, {info.skill}")
    out.print()
    # Errors and intervals stand beside their scores.
    names = [name for name in scores if not name.endswith(("_low", "_high", "_se", "_std"))]
    meanings = list(map(meaning, names))
    values = [rounded(scores[name], _error(scores, name)) for name in names]
    floors = {name: rounded(score, report.floor_spread.get(name)) for name, score in report.floor.items()}
    floor = [floors.get(name, "") for name in names]
    rows = list(zip(names, values, floor, meanings, strict=True))
    out.print(Records(("", "score", "floor", ""), rows, right=("score", "floor")))
    if report.class_shares:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in report.class_shares.items())
        out.print(f"\nclasses: {shares}")
    for sentence in said:
        out.print(sentence.partition(". ")[0])  # what is not measured; why was said before
    for warning in (warning for warning in report.warnings if warning not in said):
        out.print(f"Warning: {warning}.")


def _error(scores: dict[str, float], name: str) -> float | None:
    """The standard error of a score, or half of its 95 % interval."""
    if f"{name}_low" in scores:
        return (scores[f"{name}_high"] - scores[f"{name}_low"]) / 2
    return scores.get(f"{name}_se", scores.get(f"{name}_std"))
