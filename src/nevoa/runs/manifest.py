"""A checkpoint's commit record: written last, it says how every file was, so that no change goes unnoticed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from nevoa.errors import NevoaError
from nevoa._util.files import LARGEST_TEXT, sha256

FORMAT = 1
NAME = "manifest.json"
MODEL, EMA, OPTIMIZER, STATE = "model.safetensors", "ema.safetensors", "optimizer.safetensors", "state.json"
ALWAYS = {MODEL, OPTIMIZER, STATE}
GONE = FileNotFoundError, NotADirectoryError, IsADirectoryError


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

    Its folder is named by `images_seen`: one that was renamed, or whose files are another's, is not whole. A NevoaError
    if that cannot be known: it cannot be read now, or is of another format.
    """
    try:
        listed = _read(path)
        return [name for name, (size, digest) in listed.items() if not _is_as_written(path / name, size, digest)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, *GONE):
        return [NAME]
    except OSError as error:
        raise NevoaError(f"Cannot read the checkpoint {path}: {error.strerror or error}. It may be whole.") from error


def _read(path: Path) -> dict[str, tuple[int, str]]:
    """Size and sha256 of each file by the record; an error unless that is to the letter as it was written."""
    if (path / NAME).stat().st_size > LARGEST_TEXT:
        raise ValueError("not as it was written")
    text = (path / NAME).read_text(encoding="utf-8")
    record = json.loads(text)
    if record["format"] != FORMAT and record.pop("sha256") == _sum(record):
        raise NevoaError(f"{path} has format {record['format']}; this nevoa reads {FORMAT}.")
    listed = {name: (about["bytes"], about["sha256"]) for name, about in record["files"].items()}
    # Names come from a file: none but our own are opened.
    if not ALWAYS <= listed.keys() <= {*ALWAYS, EMA} or text != _written(int(path.name), listed):
        raise ValueError("not as it was written")
    return listed


def _is_as_written(file: Path, size: int, digest: str) -> bool:
    try:
        return file.stat().st_size == size and sha256(file) == digest
    except GONE:
        return False


def _written(images_seen: int, facts: Mapping[str, tuple[int, str]]) -> str:
    files = {name: {"bytes": size, "sha256": digest} for name, (size, digest) in sorted(facts.items())}
    record = {"format": FORMAT, "images_seen": images_seen, "files": files}
    # Its own sum, so that a turned bit in it is not taken for damage to the file that it speaks of.
    return json.dumps(record | {"sha256": _sum(record)}, indent=2) + "\n"


def _sum(record: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(record).encode()).hexdigest()
