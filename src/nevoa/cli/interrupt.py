"""Ctrl-C and SIGTERM: between steps, not within one."""

import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """While entered, the first signal is noted in `exit_code` (130 or 143, else 0); a second ends the work at once."""

    def __init__(self) -> None:
        self.exit_code = 0

    def __enter__(self) -> "Interrupt":
        self._before = [signal.signal(number, self._note) for number in SIGNALS]
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in zip(SIGNALS, self._before, strict=True):
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.exit_code:
            leave(number)
        self.exit_code = 128 + number


def leave(number: int, _frame: FrameType | None = None) -> None:
    """End the process by the shell's code for the signal, files half-written removed on the way."""
    sys.exit(128 + number)
