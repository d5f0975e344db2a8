"""Results under names that users choose: no file of theirs is replaced, and no two processes write the same one."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from nevoa._util.files import LOCK, SCRATCH, WINDOWS, acquire, explained, publish
from nevoa.errors import NevoaError


class Reservation(NamedTuple):
    """A name that belongs to this process, and where the file or folder grows until it gets that name."""

    path: Path
    temporary: Path


@contextmanager
def reserve_output(names: Iterable[Path], force: bool = False) -> Iterator[Reservation]:
    """Reserve the first free name, and give it to what the block writes when the block succeeds.

    A name is free if nothing exists there and no other process has reserved it. What a killed process left is
    removed. On any error nothing is left. A NevoaError if no name is free.

    Args:
        force: whether an existing file may be replaced.
    """
    problem = ""
    for path in names:
        problem = _in_the_way(path, force)
        if problem:
            continue
        with explained("write", path), _scratch(path) as scratch:
            if scratch is None:
                problem = f"Another process is writing {path}: wait for it, or choose another --out."
                continue
            yield Reservation(path, scratch / path.name)
            if problem := _in_the_way(path, force):  # made by another program meanwhile
                break
            publish(scratch / path.name, path)
            return
    raise NevoaError(problem)


def numbered(name: str) -> Iterator[Path]:
    """Yield names in the current folder: images.png, images-2.png, images-3.png, …"""
    suffix = Path(name).suffix
    suffix = suffix if suffix[1:].isalnum() else ""  # not that of clothes-1.5-diffusers
    yield Path(name)
    yield from (Path(f"{name.removesuffix(suffix)}-{number}{suffix}") for number in count(2))


def check_free(path: Path, force: bool = False) -> None:
    """Raise the NevoaError of `reserve_output` if a name is not free, before the work whose result would get it."""
    if problem := _in_the_way(path, force):
        raise NevoaError(problem)


def _in_the_way(path: Path, force: bool) -> str:
    """Why a name cannot be given to a new file or folder; "" if it can. An empty folder gives way to a folder."""
    if path.is_dir():
        if path.name and not path.suffix and not any(path.iterdir()):
            return ""
        return f"{path} is a folder that exists: choose another --out."
    if force or not (path.exists() or path.is_symlink()):
        return ""
    return f"{path} exists: choose another --out, or replace the file with --force."


@contextmanager
def _scratch(path: Path) -> Iterator[Path | None]:
    """An empty folder beside `path`, locked while the block runs; None if another process holds it."""
    scratch, lock = path.with_name(f".{path.name}{SCRATCH}"), None
    missing = [folder for folder in (scratch, *path.parents) if not folder.exists()]
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        lock_file = scratch / f"{path.name}{LOCK}"
        lock = acquire(lock_file)
        if lock is not None:
            for left in scratch.iterdir():
                if left != lock_file:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield scratch if lock else None
    finally:
        if lock is not None:
            shutil.rmtree(
                scratch, ignore_errors=True
            )  # while it is locked, so that nobody reserves it before it is gone
            lock.release()
            if WINDOWS:  # which does not remove a file that is open
                shutil.rmtree(scratch, ignore_errors=True)
        for folder in missing:
            with suppress(OSError):  # it holds the result, or was not made
                folder.rmdir()
