"""Stop on Ctrl-C and SIGTERM between steps, not within one."""

import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """While entered, the first signal sets `exit_code` (130 or 143, otherwise 0); a second one exits at once."""

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
    """Exit with the shell's code for the signal; temporary files are removed on the way."""
    sys.exit(128 + number)
