"""Files that are either whole or not there, and read with care."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nevoa.errors import NevoaError, reason

# What a process that was killed leaves: `.NAME.RANDOM.part`.
SCRATCH = ".part"
# Far more than any of our JSON files comes to.
LARGEST_TEXT = 16_000_000


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """A temporary path of the same suffix beside `path`; what is written there takes its place when the block succeeds.

    Works for files and folders. A file is replaced; a folder must be new. On any error nothing is left.
    """
    with _scratch(path, "write") as scratch:
        temporary = scratch / path.name
        yield temporary
        _sync_tree(temporary)
        temporary.replace(path)
        sync(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all."""
    with published(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_bytes(path, text.encode())


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file. It may be torn when the machine fails: whoever reads it leaves out a torn last one."""
    with explained("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(line.encode() + b"\n")


def remove(path: Path) -> None:
    """Remove a file or folder; for every reader it is gone at once, and a folder never half there."""
    with _scratch(path, "remove") as scratch:
        path.rename(scratch / path.name)
        sync(path.parent)


def sweep(folder: Path) -> None:
    """Remove what killed processes left half-written anywhere below `folder`."""
    for scratch in scratch_below(folder):
        shutil.rmtree(scratch, ignore_errors=True)


def scratch_below(folder: Path) -> list[Path]:
    """What is being written anywhere below `folder`, or was when its process was killed."""
    # os.walk passes over what is gone between two looks; Path.rglob does not.
    found = [Path(root, name) for root, folders, _ in os.walk(folder) for name in folders]
    return sorted(path for path in found if path.name.startswith(".") and path.name.endswith(SCRATCH))


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; 0 if it is not there."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # gone since
                total += os.stat(os.path.join(root, name)).st_size  # noqa: PTH116, PTH118  a name at a time
    return total


def sync(path: Path) -> None:
    """Ask the disk to hold what was written to a file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Hex digest of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_text(path: Path) -> str:
    """A text file of ours. A NevoaError if it cannot be read, is no text or is far too large."""
    try:
        if (size := path.stat().st_size) > LARGEST_TEXT:
            raise ValueError(f"{size:,} bytes are too many")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise damaged(path, error) from error


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. A NevoaError if there is none."""
    text = read_text(path)
    try:
        return _object(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects in a file of JSON lines, up to the first line that is none: the last one may be torn."""
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            while line := file.readline(LARGEST_TEXT):
                if not line.endswith(b"\n"):
                    return
                yield _object(json.loads(line))
    except (ValueError, RecursionError):
        return
    except OSError as error:
        raise damaged(path, error) from error


@contextmanager
def explained(verb: str, path: Path) -> Iterator[None]:
    """What the operating system refuses in the block is a NevoaError: "Cannot `verb` `path`: why"."""
    try:
        yield
    except OSError as error:
        raise NevoaError(f"Cannot {verb} {path}: {reason(error)}.") from error


def damaged(path: Path, error: Exception) -> NevoaError:
    """The error for a file that is not what it should be."""
    return NevoaError(f"{path} is damaged or unreadable: {reason(error)}.")


def check_room(folder: Path, needed: int, what: str) -> None:
    """A NevoaError if the disk under `folder`, which need not be there yet, has fewer bytes free than `what` needs."""
    existing = next(path for path in [folder.absolute(), *folder.absolute().parents] if path.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        need, have = (f"{size / 1e6:,.0f} MB" for size in (needed, free))
        raise NevoaError(f"{what} needs up to {need} in {folder}; {have} are free.")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


@contextmanager
def _scratch(path: Path, verb: str) -> Iterator[Path]:
    """A new folder beside `path` while the block lasts; what goes wrong in it is a NevoaError."""
    scratch = None
    try:
        with explained(verb, path):
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=SCRATCH, dir=path.parent))
            yield scratch
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def _sync_tree(path: Path) -> None:
    for part in [*path.rglob("*"), path] if path.is_dir() else [path]:
        sync(part)
