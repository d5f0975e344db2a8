"""The real command, stopped, killed and started twice: no run is lost."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nevoa.runs import Run, checkpoint, journal, status_of
from tests.cli.conftest import OPTIONS, nevoa
from tests.processes import typed
from tests.small_runs import outcome
from tests.waiting import Moments, until

# A checkpoint every second step, so that a third of the time is spent saving.
OFTEN = (
    *("-o", "training.checkpoint_every_images=16", "-o", "training.preview_every_images=160"),
    *("-o", "training.preview_steps=2", "-o", "training.ema_decay=0.9", "-o", "training.report_every_images=80"),
    *("-o", "training.accumulation=2", "-o", "training.compile=false"),
)
pytestmark = pytest.mark.slow


def command(steps: int, out: str) -> list[str]:
    return ["train", "fashion_mnist_10k", "--steps", str(steps), *OPTIONS, *OFTEN, "--out", out]


def starts(run: Run) -> int:
    return sum(entry.event == "started" for entry in journal.read(run))


@contextmanager
def started(arguments: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, once it trains; killed at the end if it still runs."""
    run = Run(folder / arguments[-1])
    before, program = starts(run), [sys.executable, "-m", "nevoa"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*program, *arguments], cwd=folder, start_new_session=True, **pipes)
    try:
        until(lambda: process.poll() is not None or starts(run) > before)
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_a_checkpoint(folder: Path) -> None:
    """Before the first step there is nothing to save."""
    until(lambda: checkpoint.newest_saved(Run(folder).checkpoints))


def left_of(process: subprocess.Popen[str]) -> bool:
    """Whether there is any process in the session that a command was started in."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_lets_the_step_end_and_saves(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with started(command(5000, "r"), tmp_path) as process:
        wait_for_a_checkpoint(tmp_path / "r")
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
        assert process.returncode == code
        assert "To resume: nevoa continue" in told and "Traceback" not in told
        assert not left_of(process)
    run = Run(tmp_path / "r")
    assert status_of(run) == ("stopped", "")
    newest = checkpoint.newest(run.checkpoints)
    assert newest is not None
    # The model and the checkpoint are of the same moment, the last, whether or not one was due.
    assert (newest / "ema.safetensors").read_bytes() == run.weights_file.read_bytes()


def test_the_second_ctrl_c_leaves_at_once_and_nothing_is_corrupt(tmp_path: Path, moments: Moments) -> None:
    with started(command(5000, "r"), tmp_path) as process:
        wait_for_a_checkpoint(tmp_path / "r")
        process.send_signal(signal.SIGINT)
        moments.pause(0.005)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in told
        assert not left_of(process)
    nevoa("runs", "check", "r", folder=tmp_path)


def test_a_second_trainer_is_refused_with_the_firsts_process_id(tmp_path: Path) -> None:
    with started(command(5000, "r"), tmp_path) as process:
        wait_for_a_checkpoint(tmp_path / "r")
        told = nevoa(*command(5000, "r"), folder=tmp_path, code=2).stderr
        assert f"trained by process {process.pid}" in told
        assert "running" in nevoa("runs", ".", folder=tmp_path).stdout
        assert process.poll() is None


def test_the_lock_of_a_killed_trainer_is_stale(tmp_path: Path) -> None:
    with started(command(5000, "r"), tmp_path) as process:
        process.kill()
    assert status_of(Run(tmp_path / "r")) == ("stopped", "")
    with started(command(5000, "r"), tmp_path) as process:
        assert status_of(Run(tmp_path / "r"))[0] == "running"


KILLS = 25


def test_killed_any_number_of_times_it_ends_as_if_it_were_not(tmp_path: Path, moments: Moments) -> None:
    """At random moments, a few of them before it trains; the seed is that of the waits, not of the machine's pace."""
    arguments = command(300, "killed")
    run = Run(tmp_path / "killed")
    for kill in range(KILLS):
        before = starts(run)
        process = typed(arguments, tmp_path)
        if kill % 8 == 7:
            moments.pause(1)
        else:
            until(lambda process=process, before=before: not process.is_alive() or starts(run) > before)
            moments.pause(0.3)
            assert process.is_alive()  # the end must not come before the last kill
        process.kill()
        process.join()
    nevoa(*arguments, folder=tmp_path)
    nevoa(*command(300, "whole"), folder=tmp_path)
    killed, whole = Run(tmp_path / "killed"), Run(tmp_path / "whole")
    assert outcome(killed) == outcome(whole)
    assert not [path for path in killed.folder.rglob("*") if path.name.startswith(".")]
    nevoa("runs", "check", "killed", folder=tmp_path)


def test_runs_are_listed_and_checked(tmp_path: Path) -> None:
    nevoa(*command(12, "runs/good"), folder=tmp_path)
    shutil.copytree(tmp_path / "runs/good", tmp_path / "runs/bad")
    bad = Run(tmp_path / "runs/bad")
    model = next(bad.checkpoints.iterdir()) / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-1])
    journal.write(bad, "failed", 96, message="Loss was not finite.")
    bad.weights_file.write_bytes(bad.weights_file.read_bytes()[:-8] + b"\0\0\0\0\0\0\0\1")
    with bad.metrics_file.open("a") as file:
        file.write('{"images_')
    bad.evaluations_folder.mkdir()
    (bad.evaluations_folder / "sheet.png").write_bytes(b"no picture")
    listed = nevoa("runs", folder=tmp_path).stdout
    assert re.search(r"good +finished +96 of 96", listed)
    assert re.search(r"bad +failed", listed)
    assert "bad failed: Loss was not finite." in listed
    assert nevoa("runs", "check", "runs/good", folder=tmp_path).stdout.count("valid") >= 7
    done = nevoa("runs", "check", "runs/bad", folder=tmp_path, code=2)
    assert f"{model.parent.name}: damaged: model.safetensors" in done.stdout
    assert "model.safetensors is damaged" in done.stdout
    assert "metrics.jsonl: line 3 of 3 is cut off" in done.stdout
    assert "evaluation/sheet.png: not a complete picture" in done.stdout
    assert "runs/bad has 4 damaged parts" in done.stderr
