"""Checkpoints: published complete, at least two kept, and none removed before a newer one was read back."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nevoa._util.files import check_room, explained, published, read_json, remove
from nevoa.config import Plan
from nevoa.config.toml import read_toml
from nevoa.errors import NevoaError
from nevoa.runs.manifest import NAME, PLAN, STATE, faults, holds_intact, manifest_of

KEEP = 2

log = logging.getLogger("nevoa")


def save(folder: Path, images_seen: int, files: Mapping[str, bytes], resumed_from: Path | None = None) -> Path:
    """Write the checkpoint `folder/IMAGES_SEEN`, read it back, then `prune`.

    An identical checkpoint that is already there is left alone. A NevoaError if it cannot be written; the older
    checkpoints stay. Logs a warning if they cannot be removed afterwards.
    """
    target, manifest = folder / f"{images_seen:012d}", manifest_of(images_seen, files)
    with suppress(OSError):  # there is none, or it cannot be read
        if (target / NAME).read_bytes() == manifest.encode() and not faults(target):
            return target
    check_room(folder, sum(map(len, files.values())), "A checkpoint")
    if target.exists():
        remove(target)
    with published(target) as temporary:
        temporary.mkdir()
        for name, data in files.items():
            (temporary / name).write_bytes(data)
        (temporary / NAME).write_text(manifest, encoding="utf-8")
    if damaged := faults(target):
        raise NevoaError(f"{target} could not be read back ({', '.join(damaged)}). Check the disk.")
    try:
        prune(folder, resumed_from)
    except (NevoaError, OSError) as error:  # the new one is whole: that is no reason to stop
        log.warning("Older checkpoints in %s could not be removed: %s", folder, error)
    return target


def prune(folder: Path, resumed_from: Path | None = None) -> None:
    """Remove checkpoints older than the two newest valid ones, except `newest_warm` and `resumed_from`.

    Checkpoints that cannot be read now stay.
    """
    valid = {path: _is_valid(path) for path in checkpoints(folder)}
    newest_first = [path for path, is_valid in reversed(valid.items()) if is_valid]
    if len(newest_first) < KEEP:
        return
    warm = next(filter(_is_warm, newest_first), None)
    for path, is_valid in valid.items():
        if is_valid is not None and path < newest_first[KEEP - 1] and path not in (warm, resumed_from):
            remove(path)


def newest(folder: Path) -> Path | None:
    """Return the newest valid checkpoint, or None if there are no checkpoints.

    Logs a warning for each damaged one that it skips. A NevoaError if all are damaged, or one cannot be read.
    """
    found = checkpoints(folder)
    for path in reversed(found):
        if not (damaged := faults(path)):
            return path
        log.warning("Checkpoint %s is damaged (%s); trying an older one.", path, ", ".join(damaged))
    if found:
        raise NevoaError(f"Every checkpoint in {folder} is damaged. Remove them to start the run from the beginning.")
    return None


def newest_warm(folder: Path) -> Path | None:
    """Return the newest valid checkpoint from before the cool-down of the learning rate, or None without one.

    From there a longer training goes on as if it had been planned so.
    """
    return next((path for path in reversed(checkpoints(folder)) if not faults(path) and _is_warm(path)), None)


def plan_of(path: Path) -> Plan:
    return read_toml(path / PLAN, Plan)


def saved_plan(folder: Path) -> Plan | None:
    """Return the plan of the newest checkpoint that holds it undamaged, or None without one."""
    intact = (path for path in reversed(checkpoints(folder)) if holds_intact(path, PLAN))
    return next(map(plan_of, intact), None)


def newest_saved(folder: Path) -> int:
    """Return `images_seen` of the newest checkpoint, valid or not; 0 without checkpoints.

    Example:
        >>> newest_saved(run.checkpoints)
        16
    """
    with suppress(NevoaError):
        return max((int(path.name) for path in checkpoints(folder)), default=0)
    return 0


def best_saved(folder: Path) -> int | None:
    """Return `images_seen` at the lowest held-out loss, as the newest checkpoint has it; None if it is not there.

    Example:
        >>> best_saved(run.checkpoints)
    """
    with suppress(NevoaError, LookupError, TypeError, ValueError):
        return int(read_json(checkpoints(folder)[-1] / STATE)["best"]["images_seen"])
    return None


def checkpoints(folder: Path) -> list[Path]:
    """All checkpoints in a folder, valid or not, oldest first. A NevoaError if the folder cannot be read."""
    # Path.glob finds nothing in a folder it may not read, and the run would start from the beginning.
    with explained("read", folder):
        return sorted(path for path in folder.iterdir() if path.name.isdecimal()) if folder.exists() else []


def _is_valid(path: Path) -> bool | None:
    """Whether a checkpoint is valid; None if it cannot be read now."""
    try:
        return not faults(path)
    except NevoaError:
        return None


def _is_warm(path: Path) -> bool:
    return read_json(path / STATE).get("cooled") == 0
