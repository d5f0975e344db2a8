""".zip and .tar archives of images, read in place: nothing is unpacked to where its names say."""

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import IO

from nevoa.data.listing import HIGHEST_RATIO, LARGEST_FILE, Bad
from nevoa.data.names import is_hidden, printable
from nevoa.data.sources.folder import START_BYTES, Entry
from nevoa.data.store import cache_folder
from nevoa.errors import NevoaError, reason

MOST_FILES = 5_000_000
# A path has 4,096 bytes at the most; tarfile reads whatever length is said, at once.
LONGEST_NAME = 1_000_000
SAID_TO_BE_UTF8 = 0x800
OUTSIDE = "its path leads outside of the archive"
TAR_SUFFIXES = ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is an archive."""
    return path.name.lower().endswith((".zip", *TAR_SUFFIXES))


def files_within(path: Path) -> tuple[list[Entry], list[Bad]]:
    """The files of an archive in the order of their names, and what is left out: links, and paths that lead outside.

    A NevoaError if it is no archive, or holds more than it should.
    """
    try:
        entries, bad = _zip(path) if path.name.lower().endswith(".zip") else _tar(path)
    except NevoaError:
        raise
    except Exception as error:  # zipfile and tarfile raise what Python raises for what nobody has thought of
        raise NevoaError(f"{path} cannot be read as an archive: {reason(error)}.") from error
    return sorted(entries, key=lambda entry: entry.path), bad


def _zip(path: Path) -> tuple[list[Entry], list[Bad]]:
    members = _opened_zip(path).infolist()
    _check_count(path, len(members))
    packed, whole = sum(member.compress_size for member in members), sum(member.file_size for member in members)
    if whole > HIGHEST_RATIO * max(packed, path.stat().st_size):
        raise NevoaError(f"{path} would unpack to {whole / max(1, packed):,.0f} times its size: it is not opened.")
    entries, bad = [], []
    for member in members:
        name = _name(member)
        if name.endswith("/"):
            continue
        if stat.S_ISLNK(member.external_attr >> 16):
            bad.append(Bad(name, "it is a link"))
        elif _leads_outside(name):
            bad.append(Bad(name, OUTSIDE))
        elif member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Of the others zipfile unpacks all at once, whatever they say to come to.
            bad.append(Bad(name, "it is packed in a way that is not read: only stored and deflated are"))
        elif not _hidden(name):
            read = _zip_reader(path, member)
            entries.append(Entry(normpath(name), lambda read=read: read(START_BYTES), read, (member.CRC,)))
    return entries, bad


def _name(member: zipfile.ZipInfo) -> str:
    """With /, also where a tool of Windows wrote \\; as UTF-8, also where a tool did not say that it is."""
    name = member.filename
    if not member.flag_bits & SAID_TO_BE_UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return printable(name.replace("\\", "/"))


def _zip_reader(path: Path, member: zipfile.ZipInfo) -> Callable[..., bytes]:
    def read(limit: int = LARGEST_FILE + 1) -> bytes:
        try:
            with _opened_zip(path).open(member) as file:
                data = file.read(limit)
        except OSError:
            raise
        except Exception as error:
            raise ValueError(f"it cannot be unpacked ({reason(error)})") from error
        if len(data) > LARGEST_FILE:
            raise ValueError("it has too many bytes for a picture")
        return data

    return read


def _opened_zip(path: Path) -> zipfile.ZipFile:
    """One for each process: those that share an open file share its place in it. And one for each content."""
    return _opened_once(path, path.stat().st_mtime_ns, os.getpid())


@lru_cache(maxsize=2)
def _opened_once(path: Path, _changed: int, _process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


class _Member(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Member":
        found = super().frombuf(buf, encoding, errors)
        if found.size > LONGEST_NAME and not found.isreg():
            raise ValueError("a name in it is too long")
        return found


def _tar(path: Path) -> tuple[list[Entry], list[Bad]]:
    plain = path.open("rb") if path.name.lower().endswith(".tar") else _decompressed(path)
    entries, bad = [], []
    with tarfile.open(fileobj=plain, mode="r:", tarinfo=_Member) as archive:
        for number, member in enumerate(archive):
            _check_count(path, number)
            name = printable(member.name)
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                bad.append(Bad(name, "it is a link" if member.issym() or member.islnk() else "it is no plain file"))
            elif _leads_outside(name):
                bad.append(Bad(name, OUTSIDE))
            elif not _hidden(name):
                read = _slice_reader(plain, member.offset_data, member.size)
                entries.append(Entry(normpath(name), lambda read=read: read(START_BYTES), read))
    return entries, bad


def _slice_reader(file: IO[bytes], start: int, size: int) -> Callable[..., bytes]:
    def read(limit: int = LARGEST_FILE + 1) -> bytes:
        if size > LARGEST_FILE:
            raise ValueError("it has too many bytes for a picture")
        # Processes that share an open file share its place in it: this does not use the place.
        return os.pread(file.fileno(), min(size, limit), start)

    return read


def _decompressed(path: Path) -> IO[bytes]:
    """The .tar in a compressed one, in a file that goes when nothing holds it: so each member can be read alone."""
    limit, total = HIGHEST_RATIO * path.stat().st_size, 0
    cache_folder().mkdir(parents=True, exist_ok=True)
    plain = tempfile.TemporaryFile(dir=cache_folder())  # noqa: SIM115  it lives as long as its readers
    for piece in _pieces(path):
        total += len(piece)
        if total > limit:
            raise NevoaError(f"{path} unpacks to more than {HIGHEST_RATIO} times its size: it is not opened.")
        plain.write(piece)
    plain.seek(0)
    return plain


def _pieces(path: Path) -> Iterator[bytes]:
    kind = {".gz": gzip.open, ".tgz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}[path.suffix.lower()]
    try:
        with kind(path, "rb") as file:
            while piece := file.read(1 << 20):
                yield piece
    except (EOFError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"it cannot be unpacked ({error})") from error


def _check_count(path: Path, count: int) -> None:
    if count > MOST_FILES:
        raise NevoaError(f"{path} holds more than {MOST_FILES:,} files: it is not opened.")


def _hidden(name: str) -> bool:
    return any(is_hidden(part) for part in PurePosixPath(name).parts if part not in (".", ".."))


def _leads_outside(name: str) -> bool:
    return ".." in PurePosixPath(name.replace("\\", "/")).parts or name.startswith(("/", "\\"))
