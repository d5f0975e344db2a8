"""The files below a folder."""

import os
import shlex
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from nevoa.data.listing import LARGEST_FILE
from nevoa.data.names import is_hidden, printable
from nevoa.errors import NevoaError


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a folder or archive.

    Attributes:
        path: its path below the folder, with `/` between the parts.
        read: returns at most so many of its bytes. An OSError or ValueError says why it cannot be read.
        stamp: size and times; other ones if the content may have changed.
        linked: whether a link leads to it, out of the folder.
    """

    path: str
    read: Callable[[int], bytes]
    stamp: tuple[int, ...] = ()
    linked: bool = False

    @property
    def suffix(self) -> str:
        """The suffix of its name in lower case, such as `.png`."""
        return PurePosixPath(self.path).suffix.lower()

    def content(self) -> bytes:
        """Return all bytes. A ValueError if there are more than an image may have."""
        return within_limit(self.read(LARGEST_FILE + 1))


def files_below(folder: Path) -> Iterator[Entry]:
    """Yield the files below a folder, sorted by name.

    Hidden files, system files, and nevoa's own runs and stores are skipped. Links are followed; a folder is entered
    once, so that loops end. A NevoaError if the folder cannot be read, or is a run itself.
    """
    seen: set[str] = set()
    top = os.path.realpath(folder)

    def walk(inner: str, name: str, linked: bool = False) -> Iterator[Entry]:
        real = os.path.realpath(inner)
        if real in seen:
            return
        seen.add(real)
        try:
            with os.scandir(inner) as scanned:
                found = sorted(scanned, key=lambda one: one.name)
        except OSError as error:
            if not name:
                raise NevoaError(f"Cannot read the folder {folder}: {error.strerror}.") from error
            yield _entry(inner, name, linked)  # reading it says why
            return
        names = {one.name for one in found}
        if not name and _is_run(names):
            typed = shlex.quote(str(folder))
            raise NevoaError(
                f"{folder} is a run, not images. To resume it: nevoa continue {typed}; to train it for longer, add "
                f"--minutes or --steps; to sample from it: nevoa sample {typed}."
            )
        if name and (_is_run(names) or names >= {"about.json", "images.npy"}):
            return
        for one in found:
            if not is_hidden(one.name):
                below = printable(f"{name}/{one.name}" if name else one.name)
                away = linked or (one.is_symlink() and not Path(os.path.realpath(one.path)).is_relative_to(top))
                is_folder = os.path.isdir(one.path)  # noqa: PTH112  Path raises an error where a link leads nowhere
                yield from walk(one.path, below, away) if is_folder else [_entry(one.path, below, away)]

    return walk(str(folder), "")


def read_file(path: str | Path, limit: int) -> bytes:
    """Return at most `limit` bytes of a regular file. An OSError or ValueError if it is not one."""
    path = Path(path)
    if path.is_dir():
        raise ValueError("it is a folder that cannot be read")
    if not path.is_file():  # pipes and devices would block
        raise ValueError("it is not a regular file, or a broken link")
    with path.open("rb") as file:
        return file.read(limit)


def within_limit(data: bytes) -> bytes:
    """Return the content of a file. A ValueError if it is larger than an image may be."""
    if len(data) > LARGEST_FILE:
        raise ValueError(f"it has more than {LARGEST_FILE / 1e6:.0f} MB")
    return data


def _is_run(names: Set[str]) -> bool:
    """Whether a folder that holds files of these names is a run of nevoa."""
    return "config.toml" in names and bool(names & {"checkpoints", "model", "journal.jsonl"})


def _entry(path: str, name: str, linked: bool) -> Entry:
    try:
        about = Path(path).stat()
        # ctime also changes when a file is renamed or its permissions change.
        stamp = about.st_size, about.st_mtime_ns, about.st_ctime_ns
    except OSError:  # a broken link: reading it says so
        stamp = ()
    return Entry(name, partial(read_file, path), stamp, linked)
