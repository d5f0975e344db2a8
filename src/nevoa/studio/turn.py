"""The process of a job: wait for its turn, run its command, and note how that ended."""

import fcntl
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from nevoa.studio.jobs import Job, Jobs, environment

POLL_SECONDS = 0.2
# A page that asks whether the job is alive holds its lock for a moment.
TRIES = 10
PROGRAM = sys.executable, "-m", "nevoa"


def take_turn(job: Job) -> None:
    """Run the command of a job when no earlier one waits or runs. Return if another process has or had the job."""
    lock = _locked(job.lock_file)
    if lock is None or not job.path.exists() or job.record.started:
        return
    jobs = Jobs(job.path.parent, Path.cwd())
    while job.path.exists() and any(other.number < job.number for other in jobs.active()):
        time.sleep(POLL_SECONDS)
    with jobs.changing():
        if not job.path.exists():  # stopped while it waited
            return
        job.note(started=True)
    code = _run(job, lock)
    with jobs.changing():
        job.note(code=code)


def _locked(path: Path) -> int | None:
    """Lock a file for as long as its descriptor is open, in this process or in a child; None if another one holds it.

    `Job.is_alive` sees this lock: filelock takes the same one.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    for _ in range(TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        time.sleep(POLL_SECONDS)
    os.close(descriptor)
    return None


def _run(job: Job, lock: int) -> int:
    """Run the command to its end, and return its exit code. It holds the lock too, in case this process is killed."""
    command, asked = [*PROGRAM, *job.record.arguments], False
    with job.log_file.open("ab") as log:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        process = subprocess.Popen(command, **streams, env=environment(), pass_fds=[lock])
    while process.poll() is None:
        if job.record.stopping and not asked:
            process.terminate()
            asked = True
        time.sleep(POLL_SECONDS)
    return process.returncode


if __name__ == "__main__":
    take_turn(Job(Path(sys.argv[1])))
