"""A checkpoint's commit record: written last, it says how every file was, so that no change goes unnoticed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nevoa.errors import NevoaError
from nevoa.files import read_json, sha256

FORMAT = 1
NAME = "manifest.json"
MODEL, EMA, OPTIMIZER, STATE = "model.safetensors", "ema.safetensors", "optimizer.safetensors", "state.json"
ALWAYS = {MODEL, OPTIMIZER, STATE}


def manifest_of(images_seen: int, files: Mapping[str, bytes]) -> str:
    """The record of files that are about to be written."""
    return _written(images_seen, {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()})


def is_whole(path: Path, manifest: str) -> bool:
    """Whether a checkpoint is there, as that record has it."""
    try:
        return (path / NAME).read_bytes() == manifest.encode() and not faults(path)
    except OSError:
        return False


def faults(path: Path) -> list[str]:
    """Names of a checkpoint's files that are not as they were written, or not there; none if it is whole.

    Its folder is named by `images_seen`: one that was renamed, or whose files are another's, is not whole.
    """
    try:
        listed = read_json(path / NAME)["files"]
        # Names come from a file: none but our own are opened.
        if not ALWAYS <= listed.keys() <= {*ALWAYS, EMA}:
            return [NAME]
        wrong = [name for name, about in listed.items() if not _is_as_written(path / name, about)]
        return wrong or _own_fault(path, listed)
    except (NevoaError, OSError, KeyError, TypeError, AttributeError):
        return [NAME]


def _own_fault(path: Path, names: Iterable[str]) -> list[str]:
    """The record itself, unless it is to the letter what would be written for the files that are there."""
    facts = {name: ((path / name).stat().st_size, sha256(path / name)) for name in names}
    return [] if (path / NAME).read_text(encoding="utf-8") == _written(int(path.name), facts) else [NAME]


def _is_as_written(file: Path, about: Mapping[str, Any]) -> bool:
    try:
        return file.stat().st_size == about["bytes"] and sha256(file) == about["sha256"]
    except OSError:
        return False


def _written(images_seen: int, facts: Mapping[str, tuple[int, str]]) -> str:
    files = {name: {"bytes": size, "sha256": digest} for name, (size, digest) in sorted(facts.items())}
    return json.dumps({"format": FORMAT, "images_seen": images_seen, "files": files}, indent=2) + "\n"
