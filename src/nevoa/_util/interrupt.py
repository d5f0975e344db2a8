"""Ctrl-C, SIGTERM and SIGHUP, delivered between steps instead of within one."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# SIGHUP: the terminal was closed, or its connection dropped. Windows has no such signal.
SIGHUP = getattr(signal, "SIGHUP", None)
ENDING = [signal.SIGTERM] if SIGHUP is None else [signal.SIGTERM, SIGHUP]


def leave(number: int, _frame: FrameType | None = None) -> None:
    """Exit with the shell's code for the signal; temporary files are removed on the way."""
    if SIGHUP is not None:  # the shell and the kernel both send it: the second one must not end the saving
        signal.signal(SIGHUP, signal.SIG_IGN)
    sys.exit(128 + number)


def leave_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind the program. A signal that is ignored stays ignored: nohup relies on it."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Hold Ctrl-C, and the signals of `leave`, back until the block ends. A second signal does not wait, unless SIGHUP.

    Does nothing outside of the main thread, and leaves signals alone that the program handles itself.
    """
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, *ENDING):
            handler = signal.getsignal(number)
            if callable(handler) and handler in (signal.default_int_handler, leave):
                handlers[number] = handler
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if noted and number != SIGHUP:
            handlers[number](number, frame)
        noted.append(number)

    for number in handlers:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if noted:
        handlers[noted[0]](noted[0], None)
