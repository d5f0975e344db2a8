"""The manifest of a checkpoint: size and sha256 of every file, written last, so that any damage is noticed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from nevoa._util.files import LARGEST_TEXT, sha256
from nevoa._util.versions import check_format
from nevoa.errors import NevoaError

FORMAT = 2
NAME = "manifest.json"
MODEL, EMA, OPTIMIZER, STATE = "model.safetensors", "ema.safetensors", "optimizer.safetensors", "state.json"
TEACHER, SECOND = "teacher.safetensors", "second.safetensors"
GUIDE, BEST = "guide.safetensors", "best.safetensors"
PLAN = "plan.toml"
ALWAYS = {MODEL, OPTIMIZER, STATE, PLAN}
# Without an average there is no EMA; TEACHER and SECOND are there in distillation only, GUIDE and BEST once they have
# been kept. A new name is a new FORMAT: an older nevoa would take the checkpoint for damaged.
KNOWN = {*ALWAYS, EMA, TEACHER, SECOND, GUIDE, BEST}
GONE = FileNotFoundError, NotADirectoryError, IsADirectoryError


def manifest_of(images_seen: int, files: Mapping[str, bytes]) -> str:
    return _to_json(images_seen, {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()})


def faults(path: Path) -> list[str]:
    """Names of the files of a checkpoint that are damaged or missing; empty if the checkpoint is valid.

    The folder's name has to be `images_seen`: a renamed checkpoint is damaged, too. A NevoaError if the checkpoint
    cannot be read now, or has another format.
    """
    try:
        listed = _read(path)
        return [name for name, (size, digest) in listed.items() if not _is_intact(path / name, size, digest)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, *GONE):
        return [NAME]
    except OSError as error:
        raise NevoaError(
            f"Cannot read the checkpoint {path}: {error.strerror or error}. The files may still be valid; try again."
        ) from error


def holds_intact(path: Path, name: str) -> bool:
    """Whether a checkpoint holds a file of that name that is not damaged, whatever its other files are."""
    try:
        size_and_digest = _read(path).get(name)
    except (NevoaError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return size_and_digest is not None and _is_intact(path / name, *size_and_digest)


def _read(path: Path) -> dict[str, tuple[int, str]]:
    """Size and sha256 of each file. A ValueError unless the manifest is exactly as it was written."""
    if (path / NAME).stat().st_size > LARGEST_TEXT:
        raise ValueError("changed")
    text = (path / NAME).read_text(encoding="utf-8")
    record = json.loads(text)
    if record["format"] != FORMAT and record.pop("sha256") == _hash(record):
        check_format(path / NAME, record["format"], FORMAT)
    listed = {name: (about["bytes"], about["sha256"]) for name, about in record["files"].items()}
    # These names come from a file: open only the known ones.
    if not ALWAYS <= listed.keys() <= KNOWN or text != _to_json(int(path.name), listed):
        raise ValueError("changed")
    return listed


def _is_intact(file: Path, size: int, digest: str) -> bool:
    try:
        return file.stat().st_size == size and sha256(file) == digest
    except GONE:
        return False


def _to_json(images_seen: int, facts: Mapping[str, tuple[int, str]]) -> str:
    files = {name: {"bytes": size, "sha256": digest} for name, (size, digest) in sorted(facts.items())}
    record = {"format": FORMAT, "images_seen": images_seen, "files": files}
    # Its own hash, so that a flipped bit here is not mistaken for damage to another file.
    return json.dumps(record | {"sha256": _hash(record)}, indent=2) + "\n"


def _hash(record: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(record).encode()).hexdigest()
