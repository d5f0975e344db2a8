"""Files that are either whole or not there."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nevoa.errors import NevoaError


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """A temporary path of the same suffix beside `path`; what is written there takes its place when the block succeeds.

    Works for files and folders. A file is replaced; a folder must be new. On any error nothing is left.
    """
    temporary = _temporary(path)
    try:
        yield temporary
        _sync_tree(temporary)
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        raise NevoaError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        _remove(temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with published(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


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


def _temporary(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise NevoaError(f"Cannot write {path}: {error.strerror or error}.") from error
    return folder / path.name


def _sync_tree(path: Path) -> None:
    for part in [*path.rglob("*"), path] if path.is_dir() else [path]:
        sync(part)


def _remove(temporary: Path) -> None:
    shutil.rmtree(temporary.parent, ignore_errors=True)
