"""`nevoa verify`."""

import json
import sys
from pathlib import Path

from nevoa.cli.options import Json, Plugin
from nevoa.commands import verify as command

# The exit code if a score differs, or none can be compared.
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
    found = command.verify(report, run=run, inception_weights=inception_weights)
    if as_json:
        print(json.dumps(found.as_dict()))
    else:
        _print(found)
    if not found.agrees:
        sys.exit(DIFFERS)


verify.__doc__ = command.verify.__doc__


def _print(found: command.Verification) -> None:
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
