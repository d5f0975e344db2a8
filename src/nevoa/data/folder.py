"""The files below a folder, whatever is there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nevoa.data.listing import LARGEST_FILE
from nevoa.errors import NevoaError

SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx", "icon\r", "$recycle.bin"}
START_BYTES = 16


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
        try:
            about = inner.stat()
            if (about.st_dev, about.st_ino) in seen:
                return
            seen.add((about.st_dev, about.st_ino))
            inside = sorted(inner.iterdir())
        except OSError as error:
            if inner == folder:
                raise NevoaError(f"Cannot look into {folder}: {error.strerror}.") from error
            yield _entry(inner, printable(str(inner.relative_to(folder))))
            return
        for path in inside:
            if is_hidden(path.name):
                continue
            if _is_folder(path):
                yield from walk(path)
            else:
                yield _entry(path, printable(str(path.relative_to(folder))))

    return walk(folder)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is not meant for people."""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def printable(name: str) -> str:
    """A path or a name as text that can be printed and written, whatever bytes it is made of."""
    data = name.encode("utf-8", "surrogateescape" if _from_bytes(name) else "backslashreplace")
    return data.decode("utf-8", "backslashreplace")


def _from_bytes(name: str) -> bool:
    """Whether all surrogates in it stand for bytes, as Python puts them into names of files."""
    return all(0xDC80 <= ord(letter) <= 0xDCFF for letter in name if 0xD800 <= ord(letter) <= 0xDFFF)


def stamp(entries: Sequence[Entry]) -> list[object]:
    """What changes when any of the files does."""
    return [[entry.path, *entry.stamp] for entry in entries]


def _entry(path: Path, name: str) -> Entry:
    try:
        about = path.stat()
        marks = about.st_size, about.st_mtime_ns, about.st_mode
    except OSError:  # a link to nowhere: opening it will say so
        marks = ()
    return Entry(name, lambda: _start(path), lambda: read_file(path), marks)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # opening it as a file will say why
        return False


def _start(path: Path) -> bytes:
    with _file(path) as file:
        return file.read(START_BYTES)


def read_file(path: Path) -> bytes:
    """A plain file, if it is no larger than a picture may be. An OSError or ValueError if not."""
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
