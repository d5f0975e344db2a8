"""Resume a run with its own settings, train it for longer, or bring it to an end."""

import shlex
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from nevoa._util.arguments import path_of, yes_or_no
from nevoa.commands.train import model_to_start, trained
from nevoa.config import Config
from nevoa.config.network import OBJECT
from nevoa.config.options import given
from nevoa.config.presets import BudgetOptions, with_budget
from nevoa.data import CATALOG, is_path
from nevoa.errors import NevoaError
from nevoa.objects import NAMES
from nevoa.parallel.device import devices
from nevoa.runs import Run
from nevoa.training import Wish


def continue_(
    run: Run | str | PathLike[str],
    source: str | None = None,
    *,
    cool_down: float | None = None,
    accept_changes: bool = False,
    progress: bool = True,
    **budget: Unpack[BudgetOptions],
) -> Run:
    """Resume a run with its own settings, train it for longer, or bring it to an end. Return the run.

    Args:
        source: where its images are now, if they have moved.
        cool_down: seconds within which the learning rate falls to 0 and the training ends.
        accept_changes: resume although images or torch have changed.
        budget: minutes, epochs or steps in all, from the beginning of the run; its own if not given.

    Example:
        >>> run = nevoa.continue_("runs/fashion_mnist-quick", minutes=10)
    """
    accept_changes, progress = yes_or_no("accept_changes", accept_changes), yes_or_no("progress", progress)
    found = run if isinstance(run, Run) else Run(path_of("The run", run))
    config = continuing(found, source, given(continue_, budget, BudgetOptions), cool_down)
    start = model_to_start(config.training, found)
    wish = Wish(found.objects or NAMES, start, accept_changes=accept_changes, cool_down=cool_down)
    return trained(config, wish, found, progress)


def continuing(run: Run, source: str | None, budget: Mapping[str, Any], cool_down: float | None = None) -> Config:
    """The config of a run, changed so that it goes on here: its images, its device and its budget.

    Args:
        budget: minutes, epochs or steps; empty keeps the run's own.
        cool_down: seconds within which to end the training.

    Raises:
        NevoaError: the folder is not a run, its images are gone, or the options do not go together.
    """
    if cool_down is not None and budget:
        raise NevoaError("--cool-down is a budget of its own: leave out --minutes, --epochs and --steps.")
    if cool_down is not None and not (isinstance(cool_down, int | float) and cool_down > 0):
        raise NevoaError("--cool-down must be above 0, such as 30s or 2m; in Python, a number of seconds.")
    plan, config = run.last_plan(), run.config()
    if source is not None:
        config = config.updated("data", source=source)
    elif is_path(place := plan.data.source) and not place.startswith(f"{OBJECT}:"):
        if not Path(place).exists():
            if not Path(place).is_absolute():  # a plan has absolute paths: it is the name of a plugin's images
                raise CATALOG.unregistered(place)
            typed = shlex.join(["nevoa", "continue", str(run.folder)])
            raise NevoaError(
                f"The images of {run.folder} are no longer in {place}. If they have moved: {typed} NEW_PLACE"
            )
        config = config.updated("data", source=place)  # which may have been typed in another folder
    if config.training.device not in ("auto", *devices()):
        config = config.updated("training", device="auto", precision="auto", threads=None, compile=None)
    return with_budget(config, budget)
