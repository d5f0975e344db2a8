"""`nevoa evaluate --compare`: a table of runs, and of their configs where one has several seeds."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nevoa.cli.measuring import Subject, opened
from nevoa.cli.options import options_named
from nevoa.errors import NevoaError
from nevoa.parallel.launched import rank

if TYPE_CHECKING:
    from nevoa.cli.terminal import Records
    from nevoa.evaluation import Protocol
    from nevoa.evaluation.compare import Interval, Measured
    from nevoa.evaluation.seeds import Group
    from nevoa.runs import Run

DIFFERENCE = "95 % interval", "minus the first", "95 % interval", ""
ONE_TRAINING = (
    "The intervals count other images of the same models. They do not count that another training of the same config "
    "ends elsewhere: to compare configs, train each with several seeds (-o training.seed=1) and name all of the runs."
)


def compare_runs(
    names: Sequence[str], against: str | None, count: int, seed: int, given: Mapping[str, Any], as_json: bool
) -> None:
    """Measure runs, each with its own sampling, and print their distances and what the differences mean."""
    from nevoa.cli.terminal import progress_bar
    from nevoa.evaluation import Protocol
    from nevoa.evaluation.compare import Measured, compare
    from nevoa.evaluation.seeds import groups
    from nevoa.parallel.group import joined
    from nevoa.runs.model_files import read_config

    runs = [_run(name) for name in names]
    references = [Subject(run).reference(against) for run in runs]
    measured: list[Measured] = []
    with joined().telling(), options_named(given), progress_bar() as progress:
        task = progress.add_task("", total=1)
        for item in compare(runs, references, count, seed, **given):
            if isinstance(item, Measured):
                measured.append(item)
            else:
                progress.update(task, description=item.name, completed=item.done, total=item.total)
    if rank():  # the first process prints
        return
    configs = {str(run.folder): read_config(run.model_config_file)[0] for run in runs}
    grouped = groups(configs, {one.name: one.distance for one in measured})
    protocol = Protocol(references[0], count, seed)
    if as_json:
        print(json.dumps(_values(protocol, measured, grouped)))
    else:
        _print(protocol, measured, grouped)


def _run(name: str) -> "Run":
    run = opened(name, "").run
    if run is None or not run.has_model:
        raise NevoaError(f"{name} is not a run with a model: --compare takes run folders.")
    return run


def _print(protocol: "Protocol", measured: "Sequence[Measured]", groups: "Sequence[Group]") -> None:
    from nevoa.cli.terminal import console

    out = console()
    score = f"fd_{protocol.reference.feature_network.info.short_name}"
    out.print(f"{protocol.count:,} images of each run, protocol {protocol.title}")
    out.print(f"reference {protocol.as_dict()['reference']}\n")
    out.print(_of_runs(measured, score))
    several = any(len(group.names) > 1 for group in groups)
    out.print()
    out.print(_of_groups(groups, score) if several else ONE_TRAINING)


def _of_runs(measured: "Sequence[Measured]", score: str) -> "Records":
    from nevoa.cli.terminal import Records

    def row(one: "Measured") -> tuple[str, ...]:
        difference = None if one is measured[0] else one.minus(measured[0])
        return one.name, f"{one.distance:.4g}", _between(one.interval), *_difference(difference)

    columns = "run", score, *DIFFERENCE
    return Records(columns, list(map(row, measured)), right=columns[1:-1])


def _of_groups(groups: "Sequence[Group]", score: str) -> "Records":
    from nevoa.cli.terminal import Records

    def row(group: "Group") -> tuple[str, ...]:
        deviation = "" if group.deviation is None else f"{group.deviation:.2g}"
        difference = None if group is groups[0] else group.minus(groups[0])
        names, mean = ", ".join(group.names), f"{group.mean:.4g}"
        return names, str(len(group.names)), mean, deviation, _between(group.interval), *_difference(difference)

    columns = "runs of one config", "seeds", f"mean {score}", "sd", *DIFFERENCE
    return Records(columns, list(map(row, groups)), right=columns[1:-1])


def _between(interval: "Interval | None") -> str:
    return f"{interval.low:.4g} to {interval.high:.4g}" if interval else ""


def _difference(interval: "Interval | None") -> tuple[str, str, str]:
    """The difference, its interval and what it means; empty for the first row, and where nothing is known."""
    return (f"{interval.value:+.3g}", _between(interval), interval.verdict) if interval else ("", "", "")


def _values(protocol: "Protocol", measured: "Sequence[Measured]", groups: "Sequence[Group]") -> dict[str, Any]:
    """All of it as plain JSON values."""
    first, group = measured[0], groups[0]
    return {
        "protocol": protocol.as_dict(),
        "runs": [
            {
                "run": one.name,
                "distance": one.interval._asdict(),
                "minus_first": _difference_values(None if one is first else one.minus(first)),
            }
            for one in measured
        ],
        "configs": [
            {
                "runs": one.names,
                "mean": one.mean,
                "deviation": one.deviation,
                "interval": one.interval and one.interval._asdict(),
                "minus_first": _difference_values(None if one is group else one.minus(group)),
            }
            for one in groups
        ],
    }


def _difference_values(interval: "Interval | None") -> dict[str, float | str] | None:
    return interval and {**interval._asdict(), "verdict": interval.verdict}
