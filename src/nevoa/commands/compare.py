"""Compare runs: their distances, and whether the differences are more than chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from nevoa._util.arguments import whole
from nevoa.commands.evaluate import COUNT
from nevoa.commands.measuring import Subject, opened, results
from nevoa.commands.written import PathLike
from nevoa.config.options import SamplerOptions, given
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.evaluation import Group, Interval, Measured, Protocol
    from nevoa.runs import Run


@dataclass(frozen=True)
class Comparison:
    """The distances of runs, and of their configs where one has several seeds.

    Attributes:
        protocol: how they were measured.
        runs: each run's distance.
        configs: the runs whose configs differ in the seed only, as groups.
    """

    protocol: "Protocol"
    runs: "Sequence[Measured]"
    configs: "Sequence[Group]"

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain JSON values."""

        def rows(compared: Sequence[Any], values: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
            first = compared[0]
            differences = (None if one is first else one.minus(first) for one in compared)
            pairs = zip(compared, differences, strict=True)
            return [{**values(one), "minus_first": _difference(difference)} for one, difference in pairs]

        def of_config(one: "Group") -> dict[str, Any]:
            interval = one.interval and one.interval._asdict()
            return {"runs": one.names, "mean": one.mean, "deviation": one.deviation, "interval": interval}

        return {
            "protocol": self.protocol.as_dict(),
            "runs": rows(self.runs, lambda one: {"run": one.name, "distance": one.interval._asdict()}),
            "configs": rows(self.configs, of_config),
        }


def compare(
    *runs: PathLike,
    against: str | None = None,
    count: int = COUNT,
    seed: int = 0,
    **sampling: Unpack[SamplerOptions],
) -> Comparison:
    """Compare the distances of runs, each with its own sampling settings, as `nevoa evaluate --compare` does.

    Args:
        against, count, seed, sampling: as in `nevoa.evaluate`.

    Raises:
        NevoaError: fewer than two runs are named, one has no model, or their images cannot be compared.

    Example:
        >>> found = nevoa.compare("runs/a", "runs/b", count=2048)
        >>> print(found.runs[1].minus(found.runs[0]).verdict)
    """
    if len(runs) < 2:
        beside = f" beside {runs[0]}" if runs else ""
        raise NevoaError(f"--compare needs several runs: name another{beside}.")
    options = given(compare, sampling, SamplerOptions)
    count, seed = whole("count", count, 1), whole("seed", seed)
    from nevoa.evaluation import Protocol, groups
    from nevoa.evaluation.compare import compare as measured
    from nevoa.parallel.group import process_group
    from nevoa.runs.model_files import read_plan
    from nevoa.sampling import settings_of

    opened_runs = [_run(run) for run in runs]
    plans = {str(run.folder): read_plan(run.model_config_file)[0] for run in opened_runs}
    for plan in plans.values() if options else ():
        settings_of(plan, **options)  # refuses before images are made
    references = [Subject(run).reference(against) for run in opened_runs]
    with process_group().sharing_errors():
        found = results(measured(opened_runs, references, count, seed, **options))
    grouped = groups(plans, {one.name: one.distance for one in found})
    return Comparison(Protocol(references[0], count, seed), found, grouped)


def _run(place: PathLike) -> "Run":
    run = opened(place, "").run
    if run is None or not run.has_model:
        raise NevoaError(f"{place} is not a run with a model: --compare takes run folders.")
    return run


def _difference(interval: "Interval | None") -> dict[str, float | str] | None:
    return interval and {**interval._asdict(), "verdict": interval.verdict}
