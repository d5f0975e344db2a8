"""Resuming a run: as its plan says, or not at all."""

import warnings
from pathlib import Path

from nevoa.config import Plan, changes
from nevoa.config.plan import difference
from nevoa.data import changed_files
from nevoa.errors import NevoaError


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
    found = changes(was, now)
    moved = was.training.device != now.training.device
    if was.data.fingerprint == now.data.fingerprint:
        found.pop("data.source", None)
    kinds = {key: difference(key) for key in found}
    refused = {
        key: text
        for key, text in found.items()
        if kinds[key] == "never"
        or (not accept_changes and (kinds[key] == "accepted" or (kinds[key] == "place" and not moved)))
    }
    if refused:
        files = changed_files(was.data.fingerprint, now.data.fingerprint)
        lines = "\n  ".join(["The run in this folder has other settings:", *refused.values(), *filter(None, [files])])
        accept = (
            "" if "never" in [kinds[key] for key in refused] else ", or resume with the new settings: --accept-changes"
        )
        raise NevoaError(f"{lines}\nChoose another --out{accept}.")
    if moved:
        warnings.warn(
            f"The run was trained on {was.training.device} and continues on {now.training.device}: its results differ "
            f"by rounding from those of {was.training.device}, and its steps take another time.",
            stacklevel=2,
        )


def kept_start(start: str | None, was: Plan | None) -> str | None:
    """The model that a training starts from; that of the run to resume if nothing is left in its place."""
    before = was.training.start if was else None
    if before is None or start in (None, before) or not (Path(before).is_absolute() and Path(start).is_absolute()):
        return start
    if Path(before).exists():
        return start
    warnings.warn(f"{before}, where this run started, is gone: it goes on from its own checkpoint.", stacklevel=2)
    return before
