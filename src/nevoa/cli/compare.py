"""`nevoa evaluate --compare`: a table of runs, and of their configs where one has several seeds."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nevoa.cli.terminal import Records
    from nevoa.commands.compare import Comparison
    from nevoa.evaluation import Group, Interval, Measured

DIFFERENCE = "95 % interval", "minus the first", "95 % interval", ""
ONE_TRAINING = (
    "The intervals count other images of the same models. They do not count that another training of the same config "
    "ends elsewhere: to compare configs, train each with several seeds (-o training.seed=1) and name all of the runs."
)


def print_comparison(found: "Comparison", as_json: bool) -> None:
    """Print distances, and what their differences mean."""
    from nevoa.cli.terminal import console

    if as_json:
        print(json.dumps(found.as_dict()))
        return
    out, protocol = console(), found.protocol
    score = f"fd_{protocol.reference.feature_network.info.short_name}"
    out.print(f"{protocol.count:,} images of each run, protocol {protocol.title}")
    out.print(f"reference {protocol.as_dict()['reference']}\n")
    out.print(_of_runs(found.runs, score))
    several = any(len(group.names) > 1 for group in found.configs)
    out.print()
    out.print(_of_groups(found.configs, score) if several else ONE_TRAINING)


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
