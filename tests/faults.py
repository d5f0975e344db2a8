"""A disk that fails: file operations are counted, and the n-th fails, once or from then on."""

import functools
import io
import os
from collections.abc import Callable
from typing import Any

import pytest

OPERATIONS = (
    *("open", "mkdir", "rename", "replace", "unlink", "rmdir", "fsync", "truncate", "link"),
    *("listdir", "scandir", "stat", "lstat", "statvfs"),
)
METHODS = {"write", "flush", "read", "readinto", "readline"}


class Disk:
    """While `failing` is set, `count` operations have been made; the one of that number raises."""

    def __init__(self, patch: pytest.MonkeyPatch):
        self.count, self.failed, self.failing, self.error, self.lasting = 0, 0, 0, 0, False
        patch.setattr(os, "fsync", lambda _: None)  # waits for the real disk
        for name in OPERATIONS:
            patch.setattr(os, name, self._counted(getattr(os, name)))
        patch.setattr(io, "open", self._open(io.open))

    def fail(self, number: int, error: int, *, lasting: bool) -> None:
        """Have operation `number` from now on raise an OSError; with `lasting` all after it too."""
        self.count, self.failed, self.failing, self.error, self.lasting = 0, 0, number, error, lasting

    def heal(self) -> None:
        self.failing = 0

    def step(self) -> None:
        """One more operation."""
        if not self.failing:
            return
        self.count += 1
        if self.count == self.failing or (self.lasting and self.count > self.failing):
            self.failed += 1
            raise OSError(self.error, os.strerror(self.error))

    def _counted(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(operation)
        def counted(*arguments: Any, **options: Any) -> Any:
            self.step()
            return operation(*arguments, **options)

        return counted

    def _open(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(*arguments: Any, **options: Any) -> Any:
            self.step()
            return File(real(*arguments, **options), self)

        return opened


class File:
    """A file whose methods are operations of the disk."""

    def __init__(self, file: Any, disk: Disk):
        self._file, self._disk = file, disk

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._file, name)
        if name not in METHODS:
            return method

        def counted(*arguments: Any) -> Any:
            self._disk.step()
            return method(*arguments)

        return counted

    def close(self) -> None:
        self._file.close()
        self._disk.step()

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
