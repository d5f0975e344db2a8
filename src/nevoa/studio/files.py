"""Small files that several processes of the studio read and write."""

import os
from contextlib import suppress
from pathlib import Path
from threading import get_ident


def replace_text(path: Path, text: str) -> None:
    """Write a file. A process that reads it meanwhile gets the old text or the new one, each complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def changed(path: Path) -> float:
    """Return when a path was last changed, in seconds since 1970; 0 if it does not exist."""
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
