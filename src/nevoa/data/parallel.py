"""The same work on many things, on all cores."""

import ctypes
import multiprocessing
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeVar

from nevoa._util.threads import available_cores
from nevoa.errors import NevoaError

Thing = TypeVar("Thing")
Result = TypeVar("Result")

# A process is worth starting for a few hundred images.
FEW = 200
AT_ONCE, AHEAD = 16, 4
PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h
# What the processes are forked with.
_shared: dict[str, Callable[[Any], Any]] = {}


def each(work: Callable[[Thing], Result], things: Sequence[Thing]) -> Iterator[Result]:
    """`work(thing)` of each, in order.

    Pillow holds Python's lock while it decodes, so it takes processes. They are forked: what they work on needs no
    pickling, and a script needs no `if __name__ == "__main__"`. Where that is not safe (macOS) one works alone.
    """
    cores = min(available_cores(), len(things) // FEW + 1)
    if cores == 1 or not sys.platform.startswith("linux"):
        yield from map(work, things)
        return
    _shared["work"] = work
    parts = (things[start : start + AT_ONCE] for start in range(0, len(things), AT_ONCE))
    pool = ProcessPoolExecutor(cores, multiprocessing.get_context("fork"), _depend_on_the_parent)
    # No more than this is worked on ahead: whoever takes the results may be slower.
    ahead: deque[Future[list[Any]]] = deque()
    try:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # that torch has threads: not these
            ahead.extend(pool.submit(_all_of, part) for part in islice(parts, AHEAD * cores))
        while ahead:
            yield from ahead.popleft().result()
            ahead.extend(pool.submit(_all_of, part) for part in islice(parts, 1))
    except BrokenProcessPool as error:
        raise NevoaError("A process that decodes images died: was there too little memory? Run it again.") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _all_of(things: Sequence[Any]) -> list[Any]:
    return [_shared["work"](thing) for thing in things]


def _depend_on_the_parent() -> None:
    """Signals are the parent's to handle; and where it is killed, so is this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
