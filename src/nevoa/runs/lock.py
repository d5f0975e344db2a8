"""Who trains a run: one process at a time, and what became of it."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

from filelock import FileLock, Timeout

from nevoa.errors import NevoaError
from nevoa._util.files import explained, read_json, write_text
from nevoa.runs.run import Run

FORMAT = 1
RunStatus = Literal["running", "stopped", "finished", "failed"]
# Whoever asks whether a run is being trained holds its lock for a moment.
PATIENCE_SECONDS = 1.0


@contextmanager
def claimed(run: Run) -> Iterator[Callable[[], None]]:
    """Be the only trainer of a run while the block lasts, and leave word of how it ended.

    What it gives is to be called when training begins: what goes wrong before is no failure of the run, which stands as
    it stood. The lock is the kernel's: it goes when its process does, however that ends.

    A NevoaError if another process has it.
    """
    with explained("write", run.folder):
        run.folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(run, PATIENCE_SECONDS)
    if lock is None:
        raise _taken(run)
    try:
        before, begun = _status(run), []
        _tell(run, "running")
        try:
            yield lambda: begun.append(True)
        except BaseException as error:
            stopped = isinstance(error, GeneratorExit | KeyboardInterrupt | SystemExit)
            with suppress(NevoaError):  # the disk may be what failed: then the first error is the one to be told
                if begun or not before:
                    _tell(run, "stopped" if stopped else "failed", "" if stopped else str(error))
                else:
                    write_text(run.status_file, json.dumps(before, indent=2) + "\n")
            raise
        _tell(run, "finished")
    finally:
        lock.release()


def refuse_if_claimed(run: Run) -> None:
    """A NevoaError if another process trains the run."""
    if state_of(run)[0] == "running":
        raise _taken(run)


def state_of(run: Run) -> tuple[RunStatus, str]:
    """How a run stands, and why it failed if it did. A trainer that was killed has stopped."""
    status = _status(run)
    with suppress(OSError):  # whoever may not write there cannot ask the lock, and has the word of the last trainer
        if run.lock_file.exists():
            lock = _lock(run, 0)
            if lock is None:
                return "running", ""
            lock.release()
    known: dict[str, RunStatus] = {"finished": "finished", "failed": "failed"}
    return known.get(str(status.get("state")), "stopped"), str(status.get("message", ""))


def _lock(run: Run, timeout: float) -> FileLock | None:
    """The run's lock, held; None if another process has it."""
    lock = FileLock(run.lock_file, timeout=timeout, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def _taken(run: Run) -> NevoaError:
    status = _status(run)
    return NevoaError(
        f"{run.folder} is being trained by process {status.get('pid', '?')} on {status.get('host', '?')}. Wait for it, "
        "stop it, or choose another --out."
    )


def _status(run: Run) -> dict[str, Any]:
    with suppress(NevoaError):
        return read_json(run.status_file)
    return {}


def _tell(run: Run, state: RunStatus, message: str = "") -> None:
    status = {"format": FORMAT, "state": state, "pid": os.getpid(), "host": socket.gethostname(), "message": message}
    write_text(run.status_file, json.dumps(status, indent=2) + "\n")
