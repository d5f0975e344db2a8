"""One command on several processes."""

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch

from nevoa.cli import processes
from nevoa.cli.main import main
from nevoa.cli.processes import MOST_STARTS, ProcessFlags, processes_option, run_in_group
from nevoa.errors import NevoaError
from nevoa.runs import Run, status_of
from tests.cli.conftest import Refuses, nevoa, nevoa_alone
from tests.conftest import TINY
from tests.processes import together


@pytest.mark.slow
def test_two_processes_make_the_file_of_one_and_speak_with_one_voice(tmp_path: Path) -> None:
    made = ("sample", "--count", "30", "--steps", "2")
    one = nevoa(*made, "--out", "one.npy", folder=tmp_path)
    two = nevoa_alone(*made, "--out", "two.npy", "--processes", "2", folder=tmp_path)
    assert two.stdout == one.stdout.replace("one.npy", "two.npy")
    assert (tmp_path / "one.npy").read_bytes() == (tmp_path / "two.npy").read_bytes()
    again = nevoa_alone(*made, "--out", "two.npy", "--processes", "2", folder=tmp_path, code=2)
    assert again.stderr == "nevoa: two.npy exists: choose another --out, or replace the file with --force.\n"


def script(*lines: str) -> list[str]:
    """A program that counts in a file how often its process 1 has been started."""
    counting = ["import os, pathlib, signal, sys", "second = os.environ['RANK'] == '1'"]
    counting += ["place = pathlib.Path(sys.argv[1])", "if second: place.open('a').write('x')"]
    return [sys.executable, "-c", "\n".join([*counting, *lines])]


KILLED = "if second{}: os.kill(os.getpid(), 9)"


@pytest.mark.slow
def test_the_first_error_is_the_exit_code(tmp_path: Path) -> None:
    failing = script("if second: sys.exit(2)", "signal.pause()")
    assert run_in_group(2, [*failing, str(tmp_path / "starts")]) == 2
    assert (tmp_path / "starts").read_text() == "x"


@pytest.mark.slow
def test_a_killed_process_starts_the_others_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    once = script(KILLED.format(" and place.read_text() == 'x'"))
    assert run_in_group(2, [*once, str(tmp_path / "starts")]) == 0
    assert (tmp_path / "starts").read_text() == "xx"
    said = "nevoa: Process 1 was ended by SIGKILL. Starting all of them again.\n"
    assert capsys.readouterr().err == said


@pytest.mark.slow
def test_one_that_is_killed_again_and_again_is_given_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NevoaError, match="Process 1 was ended by SIGKILL, and it was not the first time"):
        run_in_group(2, [*script(KILLED.format("")), str(tmp_path / "starts")])
    assert (tmp_path / "starts").read_text() == "x" * MOST_STARTS
    assert capsys.readouterr().err.count("Starting all of them again") == MOST_STARTS - 1


@pytest.mark.slow
def test_windows_has_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: Refuses) -> None:
    monkeypatch.setattr(processes, "WINDOWS", True)
    typed = ["train", "shapes", "--processes", "2", "--out", "new"]
    refuses(typed, "torch cannot connect processes on Windows. Leave out --processes.", tmp_path)


def test_torchrun_is_for_work_that_can_be_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: Refuses
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    refuses(["export", "--to", "web"], "'nevoa export' works in one process: start it without torchrun.", tmp_path)


def feature_network(source: Path, folder: Path) -> str:
    """Train one with the cache in a folder; what was printed."""
    os.environ["NEVOA_CACHE"] = str(folder)
    sys.argv = ["nevoa", "features", "train", str(source), "--epochs", "1"]
    with redirect_stdout(io.StringIO()) as said:
        main()
    return said.getvalue()


@pytest.mark.slow
def test_one_process_trains_the_feature_network_and_the_others_wait(tmp_path: Path) -> None:
    source, one, two = tmp_path / "few.npz", tmp_path / "one", tmp_path / "two"
    pixels = np.random.default_rng(0).integers(0, 256, (300, 8, 8, 1), dtype=np.uint8)
    np.savez(source, images=pixels, labels=np.arange(300) % 2)
    (alone,), (first, other) = together(1, feature_network, source, one), together(2, feature_network, source, two)
    assert (first, other) == (alone.replace(str(one), str(two)), "")
    networks = [Path(said.split("Saved ")[1].strip()) for said in (alone, first)]
    assert contents(networks[0]) == contents(networks[1]) != {}
    assert [error.code for error in together(2, feature_network, source, two)] == [2, 2]


def trained_with_a_plan_as_json(folder: Path) -> str:
    os.environ["NEVOA_CACHE"] = str(folder)
    options = [part for option in TINY for part in ("-o", option)]
    sys.argv = ["nevoa", "train", "fashion_mnist_10k", "--json", "--steps", "2", "--out", str(folder / "r"), *options]
    with redirect_stdout(io.StringIO()) as said, redirect_stderr(io.StringIO()):
        main()
    return said.getvalue()


@pytest.mark.slow
def test_the_plan_as_json_is_followed_by_a_training_on_all_of_them(tmp_path: Path) -> None:
    first, other = together(2, trained_with_a_plan_as_json, tmp_path)
    assert json.loads(first)["plan"]["training"]["images"] == 16
    assert other == ""
    assert status_of(Run(tmp_path / "r"))[0] == "finished"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_sweep_is_for_one_process(tmp_path: Path, refuses: Refuses) -> None:
    """Each process would measure all of it, and write the same file."""
    message = "--sweep measures the speed of one process: leave out --processes and torchrun."
    refuses(["evaluate", "runs/tiny", "--sweep", "--processes", "2"], message, tmp_path)


def test_a_command_that_follows_runs_in_as_many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that torchrun has started are not typed as an option."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes_option() == []
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "nevoa-17")
    assert processes_option() == ["--processes=2"]


@pytest.mark.parametrize("wrong", ["0", "-1", "many"])
def test_a_number_of_processes(wrong: str, tmp_path: Path, refuses: Refuses) -> None:
    refuses(["sample", "--processes", wrong], "--processes", tmp_path)


def test_auto_is_a_process_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(processes, "run_in_group", lambda count, command: seen.append(count) or 0)
    monkeypatch.setattr(processes, "available_cores", lambda: 6)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(SystemExit):
        ProcessFlags(processes="auto").start()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(SystemExit):
        ProcessFlags(processes="auto").start()
    assert seen == [6, 2]
