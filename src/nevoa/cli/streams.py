"""Output that outlives its reader, and that no text from a file can turn into commands to the terminal."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nevoa._util.files import WINDOWS
from nevoa._util.visible import VisibleStream

# The reader of a pipe has closed it; the terminal is gone.
GONE = (errno.EPIPE, errno.EIO)


@contextmanager
def lasting_streams() -> Iterator[None]:
    """Within the block, stdout and stderr drop what nobody reads, and show what a terminal would obey.

    They write `?` for what their encoding lacks.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_shown, before)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):  # an error that has been reported already
                print(end="", file=stream, flush=True)
        sys.stdout, sys.stderr = before


class _Lasting(io.FileIO):
    """A file descriptor that becomes the null device when its reader is gone."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in GONE:
                raise
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return super().write(data)


def _shown(stream: Any) -> Any:
    return stream and VisibleStream(_lasting(stream))


def _lasting(stream: Any) -> Any:
    if not isinstance(stream, io.TextIOWrapper):  # None if it was closed from the start
        return stream
    stream.flush()
    try:
        descriptor = stream.fileno()
    except OSError:  # a stream in memory
        descriptor = None
    if descriptor is None or WINDOWS:  # whose terminal is not a file
        stream.reconfigure(errors="replace")
        return stream
    raw = _Lasting(descriptor, "wb", closefd=False)
    by_line = stream.line_buffering or stream.write_through
    return io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, "replace", line_buffering=by_line)
