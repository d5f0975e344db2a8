"""Files that are published complete or not at all, and read with care."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nevoa.errors import NevoaError, reason

if TYPE_CHECKING:
    from filelock import FileLock

WINDOWS = sys.platform == "win32"
# A killed process leaves `.NAME.RANDOM.part`, or `.NAME.part` if it had claimed the name.
SCRATCH = ".part"
# A file in a claimed temporary folder, locked while its process runs.
LOCK = ".lock"
# As long as another process may take to read a file of weights.
READING_SECONDS = 10
# Far more than any of our JSON files.
LARGEST_TEXT = 16_000_000


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, with the same name; rename it to `path` when the block succeeds.

    Works for files and folders. An existing file is replaced; a folder must be new. On any error nothing is left.
    """
    with _scratch(path, "write") as scratch:
        temporary = scratch / path.name
        yield temporary
        publish(temporary, path)


def publish(temporary: Path, path: Path) -> None:
    """Flush a file or folder to the disk, and rename it to `path`."""
    for part in [*temporary.rglob("*"), temporary] if temporary.is_dir() else [temporary]:
        sync(part)
    _replace(temporary, path)
    sync(path.parent)


def _replace(temporary: Path, path: Path) -> None:
    """Rename. Windows refuses while another process reads the old file, as a virus scanner does for a moment."""
    end = time.monotonic() + READING_SECONDS * WINDOWS
    while True:
        try:
            temporary.replace(path)
        except PermissionError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.1)
        else:
            return


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file completely or not at all."""
    with published(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a text file completely or not at all. Surrogates, which stand for undecodable bytes, become these bytes."""
    write_bytes(path, text.encode(errors="surrogateescape"))


def append_line(path: Path, line: str) -> None:
    """Append a line to a text file. A crash may tear the last line: `read_lines` skips a torn one."""
    with explained("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(line.encode() + b"\n")


def remove(path: Path) -> None:
    """Remove a file or folder atomically: no reader ever sees half a folder."""
    with _scratch(path, "remove") as scratch:
        path.rename(scratch / path.name)
        sync(path.parent)


def sweep(folder: Path) -> None:
    """Remove half-written files of killed processes anywhere below `folder`."""
    for scratch in scratch_below(folder):
        shutil.rmtree(scratch, ignore_errors=True)


def scratch_below(folder: Path) -> list[Path]:
    """Temporary folders below `folder`, without those that a running process has claimed."""
    # os.walk tolerates folders that vanish meanwhile; Path.rglob does not.
    found = [Path(root, name) for root, folders, _ in os.walk(folder) for name in folders]
    scratch = [path for path in found if path.name.startswith(".") and path.name.endswith(SCRATCH)]
    return sorted(path for path in scratch if not any(is_locked(lock) for lock in path.glob(f"*{LOCK}")))


def acquire(path: Path, seconds: float = 0) -> "FileLock | None":
    """Return the lock of a file, acquired; None if another process holds it for so long."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=seconds, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def is_locked(path: Path) -> bool:
    lock = acquire(path)
    if lock is not None:
        lock.release()
    return lock is None


def changed(path: Path) -> float:
    """When a path was last changed, in seconds since 1970; 0 if it does not exist."""
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def size_of(folder: Path) -> int:
    """Total bytes of all files below a folder; 0 if it does not exist."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # gone since
                total += os.stat(os.path.join(root, name)).st_size  # noqa: PTH116, PTH118  a name at a time
    return total


def sync(path: Path) -> None:
    if WINDOWS and path.is_dir():  # which cannot be opened there
        return
    descriptor = os.open(path, os.O_RDWR if WINDOWS else os.O_RDONLY)  # Windows flushes only what it may write
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_text(path: Path) -> str:
    """Read a text file. A NevoaError if it cannot be read, is not UTF-8 or is far too large."""
    try:
        if (size := path.stat().st_size) > LARGEST_TEXT:
            raise ValueError(f"{size:,} bytes are too many")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise damaged(path, error) from error


def read_json(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file. A NevoaError if there is none."""
    text = read_text(path)
    try:
        return _object(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error


def read_json_or_empty(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file; {} if the file is missing or damaged."""
    with suppress(NevoaError):
        return read_json(path)
    return {}


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read the objects in a file of JSON lines, up to the first invalid line: the last one may be torn."""
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
    """Turn an OSError of the block into the NevoaError "Cannot `verb` `path`: reason", or name another file."""
    try:
        yield
    except OSError as error:
        # Neither `path`, nor a temporary file for it, nor a folder around it.
        named = error.filename
        elsewhere = isinstance(named, str) and path.name not in named and Path(named) not in path.parents
        what = f"open {named}" if elsewhere else f"{verb} {path}"
        raise NevoaError(f"Cannot {what}: {reason(error)}.") from error


def damaged(path: Path, error: Exception) -> NevoaError:
    """The error for a damaged or missing file."""
    if isinstance(error, FileNotFoundError):
        return NevoaError(f"There is no file {path}.")
    return NevoaError(f"{path} is damaged or unreadable: {reason(error)}.")


def check_room(folder: Path, needed: int, what: str) -> None:
    """Raise a NevoaError if the disk of `folder`, which need not exist yet, has fewer than `needed` bytes free."""
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
    """A temporary folder beside `path` while the block runs; an OSError in it becomes a NevoaError."""
    with explained(verb, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=SCRATCH, dir=path.parent))
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
