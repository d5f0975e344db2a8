"""Checkpoints: whole or not there, at least two of them, and none removed before its successor was read back."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path

from nevoa.errors import NevoaError
from nevoa._util.files import check_room, explained, published, read_json, remove
from nevoa.runs.manifest import NAME, STATE, faults, is_whole, manifest_of

KEEP = 2

log = logging.getLogger("nevoa")


def save(folder: Path, images_seen: int, files: Mapping[str, bytes], resumed_from: Path | None = None) -> Path:
    """Write `folder/IMAGES_SEEN`, read it back, and only then remove what `prune` does not keep.

    Saving a moment again does nothing. A NevoaError if it cannot be written: what was there stays.
    """
    target, manifest = folder / f"{images_seen:012d}", manifest_of(images_seen, files)
    if is_whole(target, manifest):
        return target
    check_room(folder, sum(map(len, files.values())), "A checkpoint")
    if target.exists():
        remove(target)
    with published(target) as temporary:
        temporary.mkdir()
        for name, data in files.items():
            (temporary / name).write_bytes(data)
        (temporary / NAME).write_text(manifest, encoding="utf-8")
    if wrong := faults(target):
        raise NevoaError(f"{target} could not be read back ({', '.join(wrong)}). Is the disk failing?")
    prune(folder, resumed_from)
    return target


def prune(folder: Path, resumed_from: Path | None = None) -> None:
    """Remove checkpoints older than the two newest whole ones, but for the best and the one resumed from.

    The best is that with the lowest mean loss over about the last 50 steps before it. What cannot be read now stays.
    """
    known = {path: _is_known_whole(path) for path in checkpoints(folder)}
    whole = [path for path, verdict in known.items() if verdict]
    if len(whole) < KEEP:
        return
    best = min(reversed(whole), key=_recent_loss)
    for path, verdict in known.items():
        if verdict is not None and path < whole[-KEEP] and path not in (best, resumed_from):
            remove(path)


def newest(folder: Path) -> Path | None:
    """The newest checkpoint that is whole, or None where there is none at all.

    Damaged ones are passed over, and named in a warning. A NevoaError if all are damaged, or one cannot be read.
    """
    found = checkpoints(folder)
    for path in reversed(found):
        if not (wrong := faults(path)):
            return path
        log.warning("The checkpoint %s is damaged (%s): going back to an older one.", path, ", ".join(wrong))
    if found:
        raise NevoaError(f"Every checkpoint in {folder} is damaged. Remove what is in it to start the run anew.")
    return None


def checkpoints(folder: Path) -> list[Path]:
    """All that are in a folder, whole or not, the oldest first. A NevoaError if it cannot be read."""
    # Not by glob, which finds nothing where it may not look: the run would begin anew.
    with explained("read", folder):
        return sorted(path for path in folder.iterdir() if path.name.isdecimal()) if folder.exists() else []


def _is_known_whole(path: Path) -> bool | None:
    """None if that cannot be known."""
    try:
        return not faults(path)
    except NevoaError:
        return None


def _recent_loss(path: Path) -> float:
    recent = read_json(path / STATE).get("recent_loss", {"weight": 0.0})
    # The mean of a few steps says more about their timesteps than about the network.
    return recent["total"] / recent["weight"] if recent["weight"] > 0.5 else math.inf
