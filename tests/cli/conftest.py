"""The command, typed; and refused."""

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from nevoa.cli.main import main
from nevoa.commands.train import train
from tests.conftest import TINY

OPTIONS = [part for option in TINY for part in ("-o", option)]


def nevoa(*arguments: str, folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder and expect an exit code. In this process: a new one takes seconds to start."""
    out, told = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    left = 0
    typed = mock.patch.object(sys, "argv", ["nevoa", *arguments])
    with chdir(folder), redirect_stdout(out), redirect_stderr(told), typed:
        try:
            main()
        except SystemExit as stop:
            left = stop.code
    done = subprocess.CompletedProcess(arguments, left, *(_written(stream) for stream in (out, told)))  # pyright: ignore
    assert done.returncode == code, done.stdout + done.stderr
    return done


def nevoa_alone(*arguments: str, folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, which takes seconds to start."""
    command = [sys.executable, "-m", "nevoa", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # pyright: ignore[reportAttributeAccessIssue]


Refuses = Callable[[list[str], str, Path], None]


@pytest.fixture
def refuses(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, trained: Path) -> Refuses:
    """The command, typed in a folder, exits with 2 and one line. In this process: a new one takes seconds to start."""

    def check(arguments: list[str], message: str, folder: Path) -> None:
        typed = [str(trained / "runs/tiny") if part == "runs/tiny" else part for part in arguments]
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["nevoa", *typed])
        with pytest.raises(SystemExit) as stop:
            main()
        out, told = capsys.readouterr()
        assert stop.value.code == 2
        assert message in told
        assert len(told.strip().splitlines()) == 1
        assert not out

    return check


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished tiny run in runs/tiny."""
    folder = tmp_path_factory.mktemp("work")
    nevoa("train", "fashion_mnist_10k", "--steps", "12", "--out", "runs/tiny", *OPTIONS, folder=folder)
    return folder


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run that was told of classes, and took large steps, so that they differ."""
    folder = tmp_path_factory.mktemp("classes") / "told"
    large_steps = ("training.learning_rate=0.02", "training.warmup_images=0", "training.ema_decay=0")
    options = (*TINY, *large_steps, "training.condition=class")
    train("fashion_mnist_10k", steps=20, out=folder, options=options, progress=False)
    return folder
