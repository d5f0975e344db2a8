"""`nevoa verify`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nevoa.cli.options import Json, Plugin

if TYPE_CHECKING:
    from nevoa.commands.verify import Verification

# The exit code if a score differs.
DIFFERS = 1


def verify(
    report: Path,
    /,
    *,
    run: str | None = None,
    inception_weights: Path | None = None,
    plugin: Plugin = (),
    as_json: Json = False,
) -> None:
    """Measure again what a report says, and say what agrees. Exit code 1 means that a score differs.

    Args:
        report: A JSON file that 'nevoa evaluate' wrote.
        run: The run, model or images that it is about. [default: the run whose folder holds the report, or the place
            that the report names]
        inception_weights: File of torch-fidelity's Inception weights, if the report has Inception scores.
        plugin: Python file that registers the run's network; may be repeated.
        as_json: Print the facts and scores as JSON.
    """
    from nevoa.commands.verify import verify
    from nevoa.config.plugins import load_plugins

    load_plugins(plugin)
    found = verify(report, run=run, inception_weights=inception_weights)
    if as_json:
        print(json.dumps(found.as_dict()))
    else:
        _print(found)
    if not found.agrees:
        sys.exit(DIFFERS)


def _print(found: "Verification") -> None:
    from nevoa.cli.terminal import Records, console

    out = console()
    out.print(f"{found.report.title}: {found.report.subject}")
    rows = [(fact.name, fact.reported, fact.here, _word(fact.agrees)) for fact in found.facts]
    out.print(Records(("", "report", "here", ""), rows))
    if found.scores:
        columns = "score", "report", "again", "tolerance"
        rows = [
            (check.name, f"{check.reported:.6g}", f"{check.again:.6g}", f"{check.tolerance:.1g}", _word(check.agrees))
            for check in found.scores
        ]
        out.print()
        out.print(Records((*columns, ""), rows, right=columns[1:]))
    out.print(f"\n{found.conclusion}")


def _word(agrees: bool) -> str:
    return "agrees" if agrees else "differs"
