"""`nevoa continue`."""

import shlex
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nevoa._util.loading import load_torch
from nevoa.cli.options import BudgetFlags, Plugin, options_named
from nevoa.cli.processes import ProcessFlags
from nevoa.cli.train import ReportFlags, train_into
from nevoa.errors import NevoaError
from nevoa.parallel.launched import rank

if TYPE_CHECKING:
    from nevoa.config import Config


def continue_(
    run: Path,
    source: str | None = None,
    /,
    *,
    budget: BudgetFlags = BudgetFlags(),
    cool_down: timedelta | None = None,
    plugin: Plugin = (),
    processes: ProcessFlags = ProcessFlags(),
    report: ReportFlags = ReportFlags(),
) -> None:
    """Resume a run with its own settings, train it for longer, or bring it to an end.

    Args:
        run: Run folder.
        source: Where its images are now, if they have moved.
        cool_down: Let the learning rate fall to 0 within this time, such as 30s or 2m, and finish.
    """
    from nevoa.config.presets import with_budget
    from nevoa.runs import Run

    processes.start()
    given = {name: value for name, value in vars(budget).items() if value is not None}
    if cool_down is not None and given:
        raise NevoaError("--cool-down is a budget of its own: leave out --minutes, --epochs and --steps.")
    if cool_down is not None and cool_down <= timedelta():
        raise NevoaError("--cool-down must be above 0, such as 30s or 2m.")
    if not rank():  # The folder need only be on the first machine. What is no run is refused before torch is loaded.
        Run(run).last_config()
    load_torch()
    from nevoa.parallel.group import joined

    config = joined().from_first(lambda: _on_this_machine(_with_images(Run(run).last_config(), source, run)))
    with options_named(given):
        config = with_budget(config, given)
    train_into(config, run, report, cool_down=None if cool_down is None else cool_down.total_seconds())


def _with_images(config: "Config", source: str | None, run: Path) -> "Config":
    """The config with the images where they are now."""
    from nevoa.config.network import OBJECT
    from nevoa.data import is_path

    if source is not None:
        return config.updated("data", source=source)
    there = config.data.source
    if is_path(there) and not there.startswith(f"{OBJECT}:") and not Path(there).exists():
        typed = shlex.join(["nevoa", "continue", str(run)])
        raise NevoaError(f"The images of {run} are no longer in {there}. If they have moved: {typed} NEW_PLACE")
    return config


def _on_this_machine(config: "Config") -> "Config":
    """The config with device, precision and threads open if this machine lacks the run's device."""
    from nevoa.parallel.device import devices
    from nevoa.training.resume import BY_DEVICE

    present = config.training.device in ("auto", *devices())
    return config if present else config.updated("training", device="auto", **BY_DEVICE)
