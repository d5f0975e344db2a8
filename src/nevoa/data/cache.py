"""The cache folder: what it holds, and how to make room in it."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from nevoa._util.files import SCRATCH, read_json, remove, size_of
from nevoa.errors import NevoaError, reason

ABOUT = "about.json"
FEATURES, PARTIAL = "features", ".partial"


@dataclass(frozen=True)
class Kept:
    """A folder of the cache.

    Attributes:
        images: how many it holds; None for unfinished stores and for features.
        used: when it was last opened, in seconds since the epoch.
    """

    name: str
    path: Path
    images: int | None
    bytes: int
    used: float


def cache_folder() -> Path:
    """Return the folder of stores: `NEVOA_CACHE`, else the user's cache folder.

    Example:
        >>> folder = cache_folder()
    """
    chosen = os.environ.get("NEVOA_CACHE")
    return Path(chosen) if chosen else user_cache_path("nevoa")


def made_cache_folder() -> Path:
    """Make the folder of stores if it is missing, and return it. A NevoaError if nobody can write there."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise NevoaError(
            f"Cannot write to the cache {folder}: {reason(error)}. Choose another folder with the environment variable "
            "NEVOA_CACHE."
        ) from error
    return folder


def lock_file(store: Path) -> Path:
    """Return the file that the process that prepares a store locks."""
    return store.with_name(f".{store.name}.lock")


def partial_folder(store: Path) -> Path:
    """Return the folder where a store grows until it is complete."""
    return store.with_name(f".{store.name}{PARTIAL}")


def kept() -> list[Kept]:
    """Return the stores, unfinished stores and features in the cache, the most recently used first.

    Feature networks are not listed: they cannot be made again from the cache's sources alone.
    """
    folder = cache_folder()
    found = map(_kept, folder.iterdir()) if folder.is_dir() else ()
    return sorted((one for one in found if one), key=lambda one: -one.used)


def forget(one: Kept) -> None:
    """Remove a folder from the cache; what needs it later makes it again. A NevoaError while it is being prepared."""
    try:
        with FileLock(lock_file(one.path.with_name(one.name)), timeout=0):
            remove(one.path)
    except Timeout as error:
        raise NevoaError(f"Another process is preparing {one.name}: wait for it, or stop it.") from error
    except OSError as error:
        raise NevoaError(f"Cannot remove {one.path}: {reason(error)}.") from error


def _kept(path: Path) -> Kept | None:
    about = path / ABOUT
    if path.name == FEATURES or path.name.endswith((PARTIAL, SCRATCH)):
        name = path.name.removeprefix(".").removesuffix(PARTIAL).removesuffix(SCRATCH)
        return Kept(name, path, None, size_of(path), path.stat().st_mtime)
    return Kept(path.name, path, _images(about), size_of(path), about.stat().st_mtime) if about.is_file() else None


def _images(about: Path) -> int:
    try:
        return int(read_json(about)["shape"][0])
    except (NevoaError, LookupError, TypeError, ValueError):  # a damaged store can be listed and removed
        return 0
