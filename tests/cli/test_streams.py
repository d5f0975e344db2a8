"""Whoever reads the output, and in whatever encoding: the command does its work."""

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nevoa.cli.main import main
from nevoa.runs import Run, checkpoint, status_of
from tests.cli.conftest import OPTIONS

TRAIN = ["train", "fashion_mnist_10k", "--steps", "4", *OPTIONS, "--out", "r"]
Exits = Callable[[list[str]], int]


@pytest.fixture
def handlers() -> Iterator[None]:
    """The signal handlers of a new process; afterwards those of this one."""
    fresh = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in fresh.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, handlers: None) -> Exits:
    """Run a command in an empty folder and in this process; return its exit code."""

    def run(arguments: list[str]) -> int:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    return run


@pytest.fixture(params=["stdout", "stderr"])
def unread(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One of the two streams, whose reader is gone: `| head` has read enough."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as stream:  # noqa: PTH123  a file descriptor
        monkeypatch.setattr(sys, request.param, stream)
        yield request.param


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["data", "list"], 0),
        (["runs", "."], 0),
        (["train", "--help"], 0),
        (TRAIN, 0),
        (["sample", "nothing"], 2),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_reader_that_leaves_does_not_stop_a_command(
    arguments: list[str], code: int, unread: str, exits: Exits, tmp_path: Path
) -> None:
    assert exits(arguments) == code
    if arguments is TRAIN:
        assert status_of(Run(tmp_path / "r")) == ("finished", "")


def test_a_full_disk_is_not_taken_for_a_reader_that_left(exits: Exits, monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", full)
        assert exits(["data", "list"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("name", ["café", "日本"])
def test_what_an_encoding_lacks_is_replaced(
    name: str, encoding: str, exits: Exits, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert exits(["train", "--help"]) == 0
    assert exits([*TRAIN[:-1], name, "--dry-run"]) == 0
    assert exits(["train", name]) == 2
    for stream in (out, err):
        stream.seek(0)
        assert name.encode(encoding, "replace").decode(encoding) in stream.read()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_in_a_step_lets_it_end_and_saves(
    number: signal.Signals,
    code: int,
    exits: Exits,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    append = Run.append_metrics

    def signalled(run: Run, values: dict[str, Any]) -> None:
        if values["images_seen"] == 16:
            os.kill(os.getpid(), number)
        append(run, values)

    monkeypatch.setattr(Run, "append_metrics", signalled)
    assert exits(TRAIN) == code
    run = Run(tmp_path / "r")
    assert status_of(run) == ("stopped", "")
    assert [path.name for path in checkpoint.checkpoints(run.checkpoints)][-1] == f"{16:012d}"
    assert "Stopped; 16 images are done and saved in r. To resume: nevoa continue r" in capsys.readouterr().err
