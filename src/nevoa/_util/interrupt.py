"""Ctrl-C, SIGTERM and SIGHUP, delivered between steps instead of within one."""

import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Item = TypeVar("Item")

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
def interrupts_noted() -> Iterator[list[int]]:
    """Note Ctrl-C, and the signals of `leave`, while the block runs. A second signal does not wait, unless SIGHUP.

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
        yield noted
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Hold the signals of `interrupts_noted` back until the block ends."""
    with interrupts_noted() as noted:
        yield
    if noted:
        _act_on(noted[0])


def stopping_together(stream: Iterator[Item], agreed: Callable[[int], int]) -> Generator[Item, None, None]:
    """Pass items on until a signal of `interrupts_noted` comes to any of several processes.

    Args:
        agreed: from the number of the signal that has come to this process, or 0, to the one to act on.
    """
    with interrupts_noted() as noted:
        number = 0
        for item in stream:
            number = agreed(noted[0] if noted else 0)
            if number:
                break
            yield item
    if number:
        _act_on(number)


def _act_on(number: int) -> None:
    handler = signal.getsignal(number)
    (handler if callable(handler) else leave)(number, None)
