"""The files below a folder, whatever is there."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nevoa.errors import NevoaError

SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx", "icon\r", "$recycle.bin"}
START_BYTES = 16
# Of a photograph; what is larger is no picture for a small model, or an attempt to fill the memory.
LARGEST_FILE = 256_000_000


@dataclass(frozen=True)
class Entry:
    """A file of a folder or archive: its path below it with `/` between parts, and a way to its bytes."""

    path: str
    start: Callable[[], bytes]
    read: Callable[[], bytes]
    stamp: tuple[int, ...] = ()


def files_below(folder: Path) -> Iterator[Entry]:
    """The files below a folder in the order of their names. Hidden and system files are passed over.

    Links are followed; a folder that was seen is not entered again, so that loops end.
    """
    seen: set[tuple[int, int]] = set()

    def walk(inner: Path) -> Iterator[Entry]:
        about = inner.stat()
        if (about.st_dev, about.st_ino) in seen:
            return
        seen.add((about.st_dev, about.st_ino))
        try:
            inside = sorted(os.scandir(inner), key=lambda entry: entry.name)
        except OSError:
            yield _entry(inner, shown(str(inner.relative_to(folder))))
            return
        for found in inside:
            if is_hidden(found.name):
                continue
            path = inner / found.name
            if found.is_dir():
                yield from walk(path)
            else:
                yield _entry(path, shown(str(path.relative_to(folder))))

    try:
        yield from walk(folder)
    except OSError as error:
        raise NevoaError(f"Cannot look into {folder}: {error.strerror}.") from error


def is_hidden(name: str) -> bool:
    """Whether a file or folder is not meant for people."""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def shown(path: str) -> str:
    """A path as text that can be printed and written, whatever bytes its names are made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace").replace(os.sep, "/")


def stamp(entries: Sequence[Entry]) -> list[object]:
    """What changes when any of the files does."""
    return [[entry.path, *entry.stamp] for entry in entries]


def _entry(path: Path, name: str) -> Entry:
    try:
        about = path.stat()
        marks = about.st_size, about.st_mtime_ns
    except OSError:  # a link to nowhere: opening it will say so
        marks = ()
    return Entry(name, lambda: _start(path), lambda: _whole(path), marks)


def _start(path: Path) -> bytes:
    with _file(path) as file:
        return file.read(START_BYTES)


def _whole(path: Path) -> bytes:
    with _file(path) as file:
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
