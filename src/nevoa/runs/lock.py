"""The lock of a run folder: one training at a time, and how the last one ended."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nevoa._util import files
from nevoa._util.files import acquire, explained, is_locked
from nevoa.config.names import RunStatus
from nevoa.errors import NevoaError
from nevoa.runs import journal
from nevoa.runs.layout import RunFiles
from nevoa.runs.missing import not_a_run

# Asking whether a run is being trained holds its lock for a moment.
PATIENCE_SECONDS = 1.0


@contextmanager
def training_lock(run: RunFiles) -> Iterator[None]:
    """Hold the lock of a run while the block runs. The operating system releases it when the process ends.

    A NevoaError if another process holds the lock.

    Example:
        >>> with training_lock(run):
        ...     pass
    """
    with explained("write", run.folder):
        run.folder.mkdir(parents=True, exist_ok=True)
        lock = acquire(run.lock_file, PATIENCE_SECONDS)
    if lock is None:
        raise _being_trained(run)
    try:
        yield
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
    """Remove a run with all of its files. A NevoaError if a process is training it, or if the folder is no run.

    Example:
        >>> remove(nevoa.Run("runs/fashion_mnist-quick"))
    """
    if not (run.exists or run.has_model or run.is_older):
        raise not_a_run(run)
    with training_lock(run):
        files.remove(run.folder)


def status_of(run: RunFiles) -> tuple[RunStatus, str]:
    """The status of a run, and why it failed if it did. A run whose process was killed is stopped.

    Example:
        >>> status_of(run)
        ('finished', '')
    """
    with suppress(OSError):  # without write permission the lock cannot be tried, and the journal decides
        if run.lock_file.exists() and is_locked(run.lock_file):
            return "running", ""
    return journal.status(run)


def _being_trained(run: RunFiles) -> NevoaError:
    starts = [entry.about for entry in journal.read(run) if entry.event == "started"]
    about = starts[-1] if starts else {}
    return NevoaError(
        f"{run.folder} is being trained by process {about.get('pid', '?')} on {about.get('host', '?')}. Wait for it, "
        "stop it, or choose another --out."
    )
