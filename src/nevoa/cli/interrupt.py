"""Stop on Ctrl-C and SIGTERM between steps, not within one."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def signals_noted() -> Iterator[list[int]]:
    """Only note the exit code of the first signal, 130 or 143, in the list; a second signal exits at once."""
    exit_codes: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if exit_codes:
            leave(number)
        exit_codes.append(128 + number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield exit_codes
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(number: int, _frame: FrameType | None = None) -> None:
    """Exit with the shell's code for the signal; temporary files are removed on the way."""
    sys.exit(128 + number)
