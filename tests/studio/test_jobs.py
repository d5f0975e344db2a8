"""A job is a process of its own: one at a time, in order, whatever happens to the page and its server."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nevoa.errors import NevoaError
from nevoa.studio import jobs as studio_jobs
from nevoa.studio import turn
from nevoa.studio.jobs import Job, Jobs
from nevoa.studio.texts import StudioError
from nevoa.studio.turn import take_turn
from nevoa.studio.workspace import Workspace
from tests.conftest import TINY
from tests.waiting import until

# Stands for nevoa: writes a line into the file that is named, and waits until that file says "end".
PROGRAM = """
import pathlib, signal, sys, time
def leave(*_):
    print("nevoa: stopped in good order", flush=True)
    sys.exit(143)
signal.signal(signal.SIGTERM, leave)
path = pathlib.Path(sys.argv[1])
with path.open("a") as file:
    file.write("began\\n")
while "end" not in path.read_text():
    time.sleep(0.01)
sys.exit(2 if "wrong" in path.read_text() else 0)
"""


@pytest.fixture
def forks() -> list[Any]:
    """The processes of the jobs."""
    return []


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """How often the processes of jobs have waited before they looked again."""
    count, sleep = get_context("fork").RawValue("i", 0), turn.time.sleep

    def counted(seconds: float) -> None:
        count.value += 1
        sleep(seconds / 10)

    monkeypatch.setattr(turn, "time", SimpleNamespace(sleep=counted))
    return count


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: list[Any]) -> Iterator[Jobs]:
    """Jobs whose processes are forks of this one, which run PROGRAM."""
    monkeypatch.setattr(turn, "PROGRAM", (sys.executable, "-c", PROGRAM))

    def launch(_: Jobs, job: Job) -> None:
        process = get_context("fork").Process(target=take_turn, args=(job,))
        process.start()
        forks.append(process)

    monkeypatch.setattr(Jobs, "launch", launch)
    made = Jobs(tmp_path / "jobs", tmp_path)
    yield made
    for job in made:  # also for a command that has not begun yet
        Path(job.record.arguments[0]).write_text("end")
    for process in forks:
        process.join()


def start(jobs: Jobs, name: str) -> tuple[Job, Path]:
    path = jobs.workspace / f"{name}.txt"
    return jobs.add([str(path)], name), path


def test_jobs_run_one_at_a_time_in_order(jobs: Jobs) -> None:
    names = "abc"
    started = [start(jobs, name) for name in names]
    for number, (job, path) in enumerate(started):
        until(lambda job=job: job.state == "running")
        until(path.exists)
        assert [other.state for other, _ in started[number + 1 :]] == ["waiting"] * (2 - number)
        assert not any(other.exists() for _, other in started[number + 1 :])
        path.write_text("end")
        until(lambda job=job: job.state == "ended")
        assert job.record.code == 0


def test_old_jobs_are_removed_with_their_logs(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_jobs, "KEPT", 1)
    for name in "abc":
        job, path = start(jobs, name)
        until(path.exists)
        path.write_text("end")
        until(lambda job=job: job.state == "ended")
    assert {path.stem for path in jobs.folder.glob("*.*") if path.stem.isdecimal()} == {"000002", "000003"}


def test_a_click_twice_is_one_job(jobs: Jobs) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: start(jobs, "a")[0].number, range(16)))
    assert set(found) == {1}
    assert len(list(jobs)) == 1


def test_another_command_for_the_same_run_is_refused_while_one_is_at_work(jobs: Jobs) -> None:
    job, path = start(jobs, "a")
    with pytest.raises(NevoaError, match="a has a job already"):
        jobs.add(["other"], "a")
    path.write_text("end")
    until(lambda: job.state == "ended")
    assert jobs.add([str(path)], "a").number == 2


def test_a_job_that_waits_is_removed_and_one_that_runs_ends_in_good_order(jobs: Jobs) -> None:
    (first, path), (second, other) = start(jobs, "a"), start(jobs, "b")
    until(path.exists)
    jobs.stop(second)
    jobs.stop(first)
    until(lambda: first.state == "ended")
    assert first.record.code == 143
    assert "stopped in good order" in first.log
    assert first.error == ""
    assert [job.number for job in jobs] == [1]
    until(lambda: not second.is_alive)
    assert not other.exists()


def test_a_refusal_is_known_by_its_sentence(jobs: Jobs) -> None:
    job, path = start(jobs, "a")
    until(path.exists)
    with job.log_file.open("a") as log:
        log.write("nevoa: The images are missing.\n")
    path.write_text("wrong end")
    until(lambda: job.state == "ended")
    assert job.error == "The images are missing."


def test_a_job_whose_process_is_killed_runs_until_its_command_ends(looks: Any, jobs: Jobs, forks: list[Any]) -> None:
    (first, path), (second, other) = start(jobs, "a"), start(jobs, "b")
    until(path.exists)
    forks[0].kill()
    forks[0].join()
    seen = looks.value
    until(lambda: looks.value > seen + 1)  # the second looks whether it is its turn
    assert (first.state, second.state) == ("running", "waiting")  # the command of the first goes on
    path.write_text("end")
    until(lambda: first.state == "ended")
    until(other.exists)
    assert second.state == "running"


def test_a_job_that_waits_without_a_process_gets_one_again_and_only_one(
    jobs: Jobs, forks: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = Jobs.launch
    monkeypatch.setattr(Jobs, "launch", lambda *_: None)  # the server dies before it starts the process
    job, path = start(jobs, "a")
    monkeypatch.setattr(Jobs, "launch", launch)
    assert job.state == "waiting"
    for _ in range(3):
        jobs.revive()
    until(path.exists)
    with path.open("a") as file:
        file.write("end")
    for process in forks:
        process.join()
    assert path.read_text().count("began") == 1


def test_a_server_that_looks_again_starts_no_second_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the first has taken its lock, the job seems to have lost it."""
    started = list[object]()

    class Process:
        def __init__(self, *_: Any, **__: Any) -> None:
            started.append(self)

        def poll(self) -> None: ...

    monkeypatch.setattr(subprocess, "Popen", Process)
    jobs = Jobs(tmp_path / "jobs", tmp_path)
    jobs.add(["train"], "a")
    jobs.revive()
    assert len(started) == 1


def test_a_page_that_waits_too_long_for_another_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_jobs, "PATIENCE_SECONDS", 0.0)
    page, other = (Jobs(tmp_path / "jobs", tmp_path) for _ in range(2))
    with page.changing(), pytest.raises(StudioError, match="Another page"), other.changing():
        pass


@pytest.mark.slow
def test_the_command_is_the_one_that_runs(tmp_path: Path) -> None:
    """The whole way, in processes of their own: the run is that of the command typed."""
    workspace = Workspace(tmp_path)
    options = [f"-o={option}" for option in TINY]
    arguments = ["train", "shapes", "--steps=2", "--out=runs/a b", *options]
    job = workspace.jobs.add(arguments, "a b")
    until(lambda: job.state == "ended")
    assert job.record.code == 0, job.log
    assert workspace.run("a b").has_model
    assert job.command.startswith("nevoa train shapes --steps=2 '--out=runs/a b'")
