"""Resuming a run: as its plan says, or not at all."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nevoa.config import Config, DataConfig, Plan, changes
from nevoa.config.plan import difference
from nevoa.data import changed_files, images_beside
from nevoa.errors import NevoaError
from nevoa.runs import Run, checkpoint, journal, refuse_if_training, status_of
from nevoa.runs.journal import Costs
from nevoa.runs.missing import not_a_run
from nevoa.training.checkpoint import read_progress


class Planned(NamedTuple):
    """A plan, made or recorded, and, if something was measured for it, the costs.

    Example:
        >>> recorded = Planned(run.plan())
    """

    plan: Plan
    costs: Costs | None = None


def has_other_budget(was: Plan, now: Plan) -> bool:
    """Whether two plans have different budgets: minutes, or a number of images."""
    if was.training.minutes != now.training.minutes:
        return True
    return now.training.minutes is None and was.training.images != now.training.images


def check_same(was: Plan, now: Plan, accept_changes: bool = False) -> None:
    """Raise a NevoaError that lists in what a plan differs from that of the run it resumes, unless it may.

    The budget may differ, the same images may lie elsewhere, and another device may compute, with a warning; other
    images, settings and batch sizes if changes are accepted. The table is `nevoa.config.plan.difference`.
    """
    moved = was.training.device != now.training.device
    kinds = _kinds(was, now)
    refused = [
        key
        for key, kind in kinds.items()
        if kind == "never" or (not accept_changes and (kind == "accepted" or (kind == "place" and not moved)))
    ]
    if refused:
        accept = ", or resume with the new settings: --accept-changes"
        can = accept * ("never" not in [kinds[key] for key in refused])
        raise NevoaError(f"{_listed(was, now, refused)}\nChoose another --out{can}.")
    if moved:
        warnings.warn(
            f"The run was trained on {was.training.device} and continues on {now.training.device}: its results differ "
            f"by rounding from those of {was.training.device}, and its steps take another time.",
            stacklevel=2,
        )


def check_changes_train(was: Plan, now: Plan) -> None:
    """Raise a NevoaError that lists the accepted changes of a finished run, which nothing would be trained with."""
    if accepted := [key for key, kind in _kinds(was, now).items() if kind == "accepted"]:
        raise NevoaError(
            f"{_listed(was, now, accepted)}\nIt is finished, so nothing would be trained with them: ask for more "
            "minutes, epochs or steps, or choose another --out."
        )


def _kinds(was: Plan, now: Plan) -> dict[str, str]:
    """What each key that differs means to a run."""
    found = changes(was, now)
    if was.data.fingerprint == now.data.fingerprint:
        found.pop("data.source", None)
    kinds = {key: difference(key) for key in found}
    conditioned = [[*plan.data.conditioned] for plan in (was, now)]
    if "data.augment" in kinds and conditioned[0] != conditioned[1]:
        kinds["data.augment"] = "never"  # the same numbers would describe other transformations
    return kinds


def _listed(was: Plan, now: Plan, keys: Sequence[str]) -> str:
    """The differences of some keys, in lines."""
    found, files = changes(was, now), changed_files(was.data.fingerprint, now.data.fingerprint)
    lines = (found[key] for key in keys)
    return "\n  ".join(["The run in this folder has other settings:", *lines, *filter(None, [files])])


def kept_start(start: str | None, was: Plan | None) -> str | None:
    """The model to start from; that of the run to resume if nevoa chooses, or if nothing is left in its place."""
    before = was.training.start if was else None
    if start == "auto":  # of a new run `few.with_start` decides
        return before
    if before is None or start in (None, before) or not (Path(before).is_absolute() and Path(start).is_absolute()):
        return start
    if Path(before).exists() or (was and was.training.lora):  # adapters are loaded beside it
        return start
    warnings.warn(f"{before}, where this run started, is gone: it goes on from its own checkpoint.", stacklevel=2)
    return before


def recorded_in(run: Run, source: str) -> tuple[Planned | None, bool]:
    """The plan and costs that an existing run has recorded, and whether it has checkpoints to resume from.

    A NevoaError if the folder cannot be that of a run, or another process trains it.
    """
    resumes, finished = bool(checkpoint.checkpoints(run.checkpoints)), status_of(run)[0] == "finished"
    is_run = run.exists or resumes
    if run.is_older:
        raise not_a_run(run)
    if not is_run and run.holds_other_files:
        raise NevoaError(f"{run.folder} exists and is not a run. Choose another --out.")
    if not is_run and (beside := images_beside(source, run.folder)):
        raise NevoaError(f"The run {run.folder} would lie among the images in {beside}: choose an --out elsewhere.")
    refuse_if_training(run)
    if is_run and not resumes and (finished or not run.checkpoints.is_dir()):
        raise NevoaError(
            f"{run.folder} has lost its checkpoints, so it cannot be resumed. Put them back, or choose another --out."
        )
    return Planned(run.last_plan(), journal.costs_of(run)) if is_run else None, resumes


def data_as_recorded(data: DataConfig, recorded: Planned | None) -> DataConfig:
    """The data with as many images held out as the run to resume has, unless they name a number."""
    if data.holdout != "auto" or recorded is None:
        return data
    return data.model_copy(update={"holdout": recorded.plan.data.holdout})


def data_of(config: Config, run: Run | None) -> DataConfig:
    """The data of a training in memory or in a run folder: of a run to resume as `data_as_recorded` says."""
    return config.data if run is None else data_as_recorded(config.data, recorded_in(run, config.data.source)[0])


def time_spent(run: Run) -> float:
    """Seconds that the newest checkpoint of a run took."""
    newest = checkpoint.newest(run.checkpoints)
    return read_progress(newest).spent if newest else 0.0


def refuse_less(was: Plan, now: Plan, run: Run) -> None:
    """Raise a NevoaError if the run has already taken more than a new budget."""
    training = now.training
    if not has_other_budget(was, now):
        return
    if training.minutes is None:
        taken, allowed, unit = float(checkpoint.newest_saved(run.checkpoints)), float(training.images), "images"
    else:
        taken, allowed, unit = time_spent(run) / 60, training.minutes, "minutes"
    if taken > allowed:
        raise NevoaError(
            f"This run has taken {taken:,.4g} {unit} already, and the budget allows {allowed:,.4g}. Ask for more "
            "minutes, epochs or steps."
        )
