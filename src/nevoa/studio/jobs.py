"""Jobs: commands in processes of their own, which neither the page nor its server can end by ending.

A job is a file. Its process holds the lock beside it, waits for its turn, runs the command and notes how that ended.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict

from nevoa.errors import NevoaError
from nevoa.studio.files import replace_text
from nevoa.studio.texts import StudioError

JobState = Literal["waiting", "running", "ended"]
# Adding a job takes milliseconds.
PATIENCE_SECONDS = 10.0
# Ended jobs that are kept, for their logs.
KEPT = 50
# The last bytes of a log, which are shown.
TAIL = 4000
# The beginning of a command's error, and its exit code.
PREFIX, REFUSED = "nevoa: ", 2


class Record(BaseModel):
    """The file of a job.

    Attributes:
        arguments: of `nevoa`.
        run: name of the run folder that it writes.
        started: whether its turn has come.
        stopping: whether it has been asked to stop.
        code: the exit code of the command; None until it has ended.
    """

    model_config = ConfigDict(frozen=True)

    arguments: tuple[str, ...]
    run: str
    started: bool = False
    stopping: bool = False
    code: int | None = None


class Job:
    """One job: its files, and what they say."""

    def __init__(self, path: Path) -> None:
        self.path, self.number = path, int(path.stem)
        self.lock_file, self.log_file = path.with_suffix(".lock"), path.with_suffix(".log")

    @property
    def record(self) -> Record:
        """The content of the file. A NevoaError if it is gone or damaged."""
        try:
            return Record.model_validate_json(self.path.read_bytes())
        except (OSError, ValueError) as error:
            raise NevoaError(f"{self.path} is damaged: remove it.") from error

    def note(self, **changes: object) -> None:
        replace_text(self.path, self.record.model_copy(update=changes).model_dump_json())

    @property
    def is_alive(self) -> bool:
        """Whether its process exists."""
        if not self.lock_file.exists():
            return False
        try:
            with FileLock(self.lock_file, timeout=0):
                return False
        except Timeout:
            return True

    @property
    def state(self) -> JobState:
        record = self.record
        if not record.started:
            return "waiting"
        return "running" if record.code is None and self.is_alive else "ended"

    @property
    def trains(self) -> bool:
        """Whether it trains its run, rather than measures it."""
        return self.record.arguments[0] != "evaluate"

    @property
    def command(self) -> str:
        """The command, to be typed in the workspace."""
        return shlex.join(["nevoa", *self.record.arguments])

    @property
    def log(self) -> str:
        """The end of what the command has printed."""
        if not self.log_file.exists():
            return ""
        with self.log_file.open("rb") as file:
            file.seek(max(0, self.log_file.stat().st_size - TAIL))
            return file.read().decode(errors="replace")

    @property
    def error(self) -> str:
        """The sentence with which the command refused to work; "" if it did not."""
        lines = [line for line in self.log.splitlines() if line.startswith(PREFIX)]
        return lines[-1].removeprefix(PREFIX) if lines and self.record.code == REFUSED else ""


class Jobs:
    """The jobs of a workspace, one after the other: a training takes all cores.

    Args:
        folder: of their files.
        workspace: where commands run.
    """

    # Started by this process, and not known to have ended.
    _processes: ClassVar[dict[Path, subprocess.Popen[bytes]]] = {}

    def __init__(self, folder: Path, workspace: Path) -> None:
        self.folder, self.workspace = folder, workspace

    def __iter__(self) -> Iterator[Job]:
        """All jobs whose files can be read, oldest first."""
        paths = (path for path in self.folder.glob("*.json") if path.stem.isdecimal())
        return filter(_is_readable, sorted(map(Job, paths), key=lambda job: job.number))

    def active(self) -> list[Job]:
        """The jobs that have not ended, in the order of their turns."""
        return [job for job in self if job.state != "ended"]

    def of_run(self, run: str) -> Job | None:
        """The newest job of a run."""
        return next((job for job in reversed(list(self)) if job.record.run == run), None)

    def add(self, arguments: Sequence[str], run: str) -> Job:
        """Add a job, and start its process. A second click gets the job of the first.

        A NevoaError if another command for this run waits or runs.
        """
        with self.changing():
            jobs = list(self)
            for job in self.active():
                if job.record.run == run and job.record.arguments != tuple(arguments):
                    raise StudioError("busy", run=run)
                if job.record.run == run:
                    return job
            for job in [one for one in jobs if one.state == "ended"][:-KEPT]:
                for path in (job.path, job.log_file, job.lock_file):
                    path.unlink(missing_ok=True)
            numbers = [int(path.stem) for path in self.folder.glob("*.*") if path.stem.isdecimal()]
            job = Job(self.folder / f"{max(numbers, default=0) + 1:06d}.json")
            replace_text(job.path, Record(arguments=tuple(arguments), run=run).model_dump_json())
        self.launch(job)
        return job

    def revive(self) -> None:
        """Give each waiting job a process again that has lost its own, as after a restart of the machine."""
        for job in self.active():
            if not job.is_alive:
                self.launch(job)

    def stop(self, job: Job) -> None:
        """Remove a job that waits; let a command that runs save what it has and end."""
        with self.changing():
            if job.state == "waiting":
                job.path.unlink(missing_ok=True)  # its process sees that
            elif job.state == "running":
                job.note(stopping=True)

    def launch(self, job: Job) -> None:
        """Start the process of a job, unless this one has started it."""
        process = self._processes.get(job.path)
        if process is not None and process.poll() is None:  # it is about to take the lock
            return
        turn = [sys.executable, "-m", "nevoa.studio.turn", str(job.path)]
        # A session of its own: Ctrl-C in the server's terminal does not reach it.
        started = subprocess.Popen(turn, cwd=self.workspace, start_new_session=True, stdin=subprocess.DEVNULL)
        self._processes[job.path] = started

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Let no other process change the jobs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / "jobs.lock", timeout=PATIENCE_SECONDS):
                yield
        except Timeout as error:
            raise StudioError("other_page") from error


def _is_readable(job: Job) -> bool:
    """Whether a job has not been removed meanwhile, or damaged."""
    try:
        return bool(job.record.arguments)
    except NevoaError:
        return False


def environment() -> dict[str, str]:
    """Return the environment of a command, without the width of a terminal: its sentences are read line by line."""
    return {**os.environ, "COLUMNS": ""}
