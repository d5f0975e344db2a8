"""Name the files in which two versions of a source differ."""

from contextlib import suppress
from typing import Any

from nevoa._util.files import read_json
from nevoa.data.cache import ABOUT, cache_folder
from nevoa.data.prepare import records
from nevoa.errors import NevoaError

SHOWN = 5


def changed_files(before: str | None, now: str | None) -> str:
    """Return "The images differ: added x.png; removed y.png." for two fingerprints.

    Nothing is returned if the files are the same, or if the cache no longer has what was decoded before.

    Example:
        >>> shapes = load_images("shapes")
        >>> changed_files(shapes.fingerprint, shapes.fingerprint)
        ''
    """
    old, new = _files(before), _files(now)
    if not old or not new:
        return ""
    differing = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "changed": [name for name in new if name in old and old[name] != new[name]],
    }
    parts = "; ".join(f"{verb} {_listed(names)}" for verb, names in differing.items() if names)
    return f"The images differ: {parts}." if parts else ""


def file_names(fingerprint: str) -> list[str]:
    """Return the file of each image, in order, of the cached images with this fingerprint; empty if there are none.

    Example:
        >>> file_names(load_images("shapes").fingerprint)
        []
    """
    return [str(line["file"]) for line in _records(fingerprint) if "reason" not in line]


def _files(fingerprint: str | None) -> dict[str, str]:
    """The sha256 of each file, by name."""
    return {str(line.get("file")): str(line.get("sha256")) for line in _records(fingerprint)}


def _records(fingerprint: str | None) -> list[dict[str, Any]]:
    """Return the records of all files of the cached images with this fingerprint; empty if there are none."""
    for about in sorted(cache_folder().glob(f"*/{ABOUT}"), key=lambda path: -path.stat().st_mtime):
        with suppress(NevoaError):  # a damaged store
            if read_json(about).get("fingerprint") == fingerprint:
                return list(records(about.parent))
    return []


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
