"""Images in .zip and .tar archives, read in place: nothing is unpacked to the paths that an archive names."""

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import IO

from nevoa.data.cache import made_cache_folder
from nevoa.data.listing import HIGHEST_RATIO, Bad
from nevoa.data.names import is_hidden, printable
from nevoa.data.sources.folder import Entry
from nevoa.errors import NevoaError, reason

MOST_FILES = 5_000_000
# Paths have at most 4,096 bytes; tarfile reads a name of any length into memory.
LONGEST_NAME = 1_000_000
UTF8_FLAG = 0x800
COMPRESSIONS = {".gz": gzip.open, ".tgz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
SUFFIXES = ".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"

# The path of a file in an archive, why it cannot be read, if so, and a function that reads at most so many bytes.
Member = tuple[str, str, Callable[[int], bytes]]


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)


def files_within(path: Path) -> tuple[list[Entry], list[Bad]]:
    """Return the files of an archive, sorted by path, and its links and paths that lead outside, which are left out.

    A NevoaError if it is not an archive, or holds more than it should.
    """
    entries, bad = [], []
    try:
        for number, (name, fault, read) in enumerate(_zip(path) if path.suffix.lower() == ".zip" else _tar(path)):
            if number > MOST_FILES:
                raise NevoaError(f"{path} is unsafe: it holds more than {MOST_FILES:,} files.")
            parts = PurePosixPath(name.replace("\\", "/")).parts
            if ".." in parts or name.startswith(("/", "\\")):
                fault = fault or "its path leads out of the archive"
            if fault:
                bad.append(Bad(name, fault))
            elif not any(map(is_hidden, parts)):
                entries.append(Entry(normpath(name), read))
    except NevoaError:
        raise
    except Exception as error:  # damaged files make zipfile and tarfile raise errors of many kinds
        raise NevoaError(f"Cannot read {path} as an archive: {reason(error)}.") from error
    return sorted(entries, key=lambda entry: entry.path), bad


def _zip(path: Path) -> Iterator[Member]:
    members = _open_zip(path).infolist()
    packed, unpacked = sum(member.compress_size for member in members), sum(member.file_size for member in members)
    if unpacked > HIGHEST_RATIO * max(packed, path.stat().st_size):
        raise NevoaError(f"{path} is unsafe: it would unpack to {unpacked / max(1, packed):,.0f} times its size.")
    for member in members:
        name, fault = _name(member), ""
        if stat.S_ISLNK(member.external_attr >> 16):
            fault = "it is a link"
        elif member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # With other methods, zipfile unpacks the whole file, whatever size was asked for.
            fault = "its compression is not supported: only stored and deflated are"
        if not name.endswith("/"):
            yield name, fault, partial(_read_zip, path, member)


def _name(member: zipfile.ZipInfo) -> str:
    """Return the path with /, where Windows tools write \\, and as UTF-8, where tools do not set its flag."""
    name = member.filename
    if not member.flag_bits & UTF8_FLAG:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return printable(name.replace("\\", "/"))


def _read_zip(path: Path, member: zipfile.ZipInfo, limit: int) -> bytes:
    try:
        with _open_zip(path).open(member) as file:
            return file.read(limit)
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"it cannot be unpacked ({reason(error)})") from error


def _open_zip(path: Path) -> zipfile.ZipFile:
    """Open an archive once per process, since processes that share an open file share its position."""
    return _opened_once(path, path.stat().st_mtime_ns, os.getpid())


@lru_cache(maxsize=2)
def _opened_once(path: Path, _changed: int, _process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


class _TarInfo(tarfile.TarInfo):
    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        """Called after each header is parsed, in every version of Python, before a name of its size is read."""
        if self.size > LONGEST_NAME and not self.isreg():
            raise ValueError("a name in it is too long")
        return super()._proc_member(archive)  # pyright: ignore[reportAttributeAccessIssue]


def _tar(path: Path) -> Iterator[Member]:
    plain = _decompressed(path) if path.suffix.lower() in COMPRESSIONS else path.open("rb")
    with tarfile.open(fileobj=plain, mode="r:", tarinfo=_TarInfo) as archive:
        for member in archive:
            fault = "it is a link" if member.issym() or member.islnk() else ""
            if not member.isreg() or member.issparse():
                fault = fault or "it is not a plain file"
            if not member.isdir():
                yield printable(member.name), fault, partial(_read_slice, plain, member.offset_data, member.size)


def _read_slice(file: IO[bytes], start: int, size: int, limit: int) -> bytes:
    if hasattr(os, "pread"):
        # Forked processes share the position of an open file; pread does not use it.
        return os.pread(file.fileno(), min(size, limit), start)
    file.seek(start)
    return file.read(min(size, limit))


def _decompressed(path: Path) -> IO[bytes]:
    """Decompress a .tar into a nameless temporary file, so that members can be read in any order."""
    plain = tempfile.TemporaryFile(dir=made_cache_folder())  # noqa: SIM115  it lives as long as its readers
    with COMPRESSIONS[path.suffix.lower()](path, "rb") as file:
        while piece := file.read(1 << 20):
            plain.write(piece)
            if plain.tell() > HIGHEST_RATIO * path.stat().st_size:
                raise NevoaError(f"{path} is unsafe: it would unpack to more than {HIGHEST_RATIO} times its size.")
    plain.seek(0)
    return plain
