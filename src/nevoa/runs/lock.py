"""The lock of a run folder: one training at a time, and how the last one ended."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from nevoa._util import files
from nevoa._util.files import acquire, explained, is_locked, read_json_or_empty, write_text
from nevoa.config.names import RunStatus
from nevoa.errors import NevoaError
from nevoa.runs.layout import RunFiles

FORMAT = 1
# Asking whether a run is being trained holds its lock for a moment.
PATIENCE_SECONDS = 1.0


@contextmanager
def training_lock(run: RunFiles) -> Iterator[Callable[[], None]]:
    """Hold the lock of a run while the block runs, and record how the block ended.

    The block gets a function to call when training starts. An error before that call leaves the status unchanged: the
    run itself has not failed. The operating system releases the lock when the process ends, even if it is killed.

    A NevoaError if another process holds the lock.

    Example:
        >>> with training_lock(run) as started:
        ...     started()
    """
    with explained("write", run.folder):
        run.folder.mkdir(parents=True, exist_ok=True)
        lock = acquire(run.lock_file, PATIENCE_SECONDS)
    if lock is None:
        raise _being_trained(run)
    try:
        before, started = read_json_or_empty(run.status_file), []
        _write_status(run, "running")
        try:
            yield lambda: started.append(True)
        except BaseException as error:
            stopped = isinstance(error, GeneratorExit | KeyboardInterrupt | SystemExit)
            with suppress(NevoaError):  # if the disk failed, the first error is the one to report
                if started or not before:
                    _write_status(run, "stopped" if stopped else "failed", "" if stopped else str(error))
                else:
                    write_text(run.status_file, json.dumps(before, indent=2) + "\n")
            raise
        _write_status(run, "finished")
    finally:
        lock.release()


def refuse_if_training(run: RunFiles) -> None:
    """Raise a NevoaError if another process is training the run.

    Example:
        >>> refuse_if_training(run)
    """
    if status_of(run)[0] == "running":
        raise _being_trained(run)


def remove(run: RunFiles) -> None:
    """Remove a run with all of its files. A NevoaError if a process is training it.

    Example:
        >>> remove(nevoa.Run("runs/fashion_mnist-quick"))
    """
    lock = acquire(run.lock_file)
    if lock is None:
        raise _being_trained(run)
    try:
        files.remove(run.folder)
    finally:
        lock.release()


def status_of(run: RunFiles) -> tuple[RunStatus, str]:
    """The status of a run, and why it failed if it did. A run whose process was killed is stopped.

    Example:
        >>> status_of(run)
        ('finished', '')
    """
    status = read_json_or_empty(run.status_file)
    with suppress(OSError):  # without write permission the lock cannot be tried, and the status file decides
        if run.lock_file.exists() and is_locked(run.lock_file):
            return "running", ""
    state = status.get("state")
    return state if state in ("finished", "failed") else "stopped", str(status.get("message", ""))


def _being_trained(run: RunFiles) -> NevoaError:
    status = read_json_or_empty(run.status_file)
    return NevoaError(
        f"{run.folder} is being trained by process {status.get('pid', '?')} on {status.get('host', '?')}. Wait for it, "
        "stop it, or choose another --out."
    )


def _write_status(run: RunFiles, state: RunStatus, message: str = "") -> None:
    status = {"format": FORMAT, "state": state, "pid": os.getpid(), "host": socket.gethostname(), "message": message}
    write_text(run.status_file, json.dumps(status, indent=2) + "\n")
