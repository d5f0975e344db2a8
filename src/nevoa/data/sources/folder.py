"""The files below a folder, whatever is there."""

import os
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from nevoa.data.listing import LARGEST_FILE
from nevoa.data.names import is_hidden, printable
from nevoa.errors import NevoaError

START_BYTES = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a folder or archive: its path below it with `/` between parts, and a way to its bytes."""

    path: str
    start: Callable[[], bytes]
    read: Callable[[], bytes]
    stamp: tuple[int, ...] = ()


def files_below(folder: Path) -> Iterator[Entry]:
    """The files below a folder in the order of their names. Hidden and system files are passed over, and what nevoa
    itself has made there.

    Links are followed; a folder that was seen is not entered again, so that loops end.
    """
    seen: set[tuple[int, int]] = set()

    def walk(inner: str, name: str) -> Iterator[Entry]:
        try:
            about = Path(inner).stat()
            if (about.st_dev, about.st_ino) in seen:
                return
            seen.add((about.st_dev, about.st_ino))
            with os.scandir(inner) as scanned:
                inside = sorted(scanned, key=lambda one: one.name)
        except OSError as error:
            if not name:
                raise NevoaError(f"Cannot look into {folder}: {error.strerror}.") from error
            yield _entry(inner, name)
            return
        if name and _is_ours({one.name for one in inside}):
            return
        for one in inside:
            if is_hidden(one.name):
                continue
            below = printable(f"{name}/{one.name}" if name else one.name)
            yield from walk(one.path, below) if _is_folder(one) else [_entry(one.path, below)]

    return walk(str(folder), "")


def _is_ours(names: Set[str]) -> bool:
    """Whether a folder of such files is a run or a store: their pictures are not the user's."""
    return names >= {"config.toml", "status.json"} or names >= {"about.json", "images.npy"}


def _entry(path: str, name: str) -> Entry:
    try:
        about = Path(path).stat()
        # The last changes when a file is renamed or may be read at last, too.
        marks = about.st_size, about.st_mtime_ns, about.st_ctime_ns
    except OSError:  # a link to nowhere: opening it will say so
        marks = ()
    return Entry(name, partial(_start, path), partial(read_file, path), marks)


def _is_folder(found: os.DirEntry[str]) -> bool:
    try:
        return found.is_dir()
    except OSError:  # opening it as a file will say why
        return False


def _start(path: str) -> bytes:
    with _file(Path(path)) as file:
        return file.read(START_BYTES)


def read_file(path: str | Path) -> bytes:
    """A plain file, if it is no larger than a picture may be. An OSError or ValueError if not."""
    with _file(Path(path)) as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise ValueError("it has too many bytes for a picture")
    return data


def _file(path: Path) -> BinaryIO:
    if path.is_dir():
        raise ValueError("it is a folder that cannot be looked into")
    if not path.is_file():  # nothing is read from pipes and devices
        raise ValueError("it is no file, or a link to nowhere")
    return path.open("rb")
