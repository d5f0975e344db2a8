"""`nevoa continue`."""

from datetime import timedelta
from pathlib import Path

from nevoa.cli.options import BudgetFlags, Plugin, options_named
from nevoa.cli.processes import ProcessFlags
from nevoa.cli.train import ReportFlags, train_into
from nevoa.parallel.environment import rank


def continue_(
    run: Path,
    source: str | None = None,
    /,
    *,
    budget: BudgetFlags = BudgetFlags(),
    cool_down: timedelta | None = None,
    accept_changes: bool = False,
    plugin: Plugin = (),
    processes: ProcessFlags = ProcessFlags(),
    report: ReportFlags = ReportFlags(),
) -> None:
    """Resume a run with its own settings, train it for longer, or bring it to an end.

    Args:
        run: Run folder.
        source: Where its images are now, if they have moved.
        cool_down: Let the learning rate fall to 0 within this time, such as 30s or 2m, and finish.
        accept_changes: Resume even if images or the torch version have changed.
    """
    from nevoa.runs import Run

    processes.start()
    given = {name: value for name, value in vars(budget).items() if value is not None}
    if not rank():  # The folder need only be on the first machine. What is no run is refused before torch is loaded.
        Run(run).last_plan()
    from nevoa.commands.continue_ import continuing
    from nevoa.parallel.group import process_group
    from nevoa.training import Wish

    seconds = None if cool_down is None else cool_down.total_seconds()
    with options_named(given):
        config = process_group().broadcast(lambda: continuing(Run(run), source, given, seconds))
    train_into(config, run, report, Wish(cool_down=seconds, accept_changes=accept_changes))
