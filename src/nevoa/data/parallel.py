"""Map a function over many items on all cores."""

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

Item = TypeVar("Item")
Result = TypeVar("Result")

# A worker process pays off from a few hundred images on.
FEW = 200
CHUNK, CHUNKS_AHEAD = 16, 4
PR_SET_PDEATHSIG = 1
# The function of a forked worker, which needs no pickling.
_shared: dict[str, Callable[[Any], Any]] = {}


def each(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield `work(item)` of each item, in order.

    Pillow holds the GIL while it decodes, so this takes processes. They are forked, which needs neither pickling nor
    `if __name__ == "__main__"` in scripts. Where forking is unsafe (macOS) or missing (Windows), one process does all.
    `multiprocessing.Pool` would be shorter, but its `imap` waits for ever for a worker that was killed, and reads ahead
    without limit.
    """
    workers = min(available_cores(), len(items) // FEW + 1)
    if workers == 1 or not sys.platform.startswith("linux"):
        yield from map(work, items)
        return
    chunks = (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _start_worker, (work,))
    ahead: deque[Future[list[Any]]] = deque()
    try:
        # Python warns of forking a process with threads; torch's threads hold no lock that workers need.
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            ahead.extend(pool.submit(_work_on, chunk) for chunk in islice(chunks, CHUNKS_AHEAD * workers))
        while ahead:
            yield from ahead.popleft().result()
            ahead.extend(pool.submit(_work_on, chunk) for chunk in islice(chunks, 1))
    except BrokenProcessPool as error:
        raise NevoaError("A process that decodes images died, perhaps for lack of memory: try again.") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _work_on(chunk: Sequence[Any]) -> list[Any]:
    return [_shared["work"](item) for item in chunk]


def _start_worker(work: Callable[[Any], Any]) -> None:
    """Keep the function, leave signals to the parent, and die with it."""
    _shared["work"] = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
