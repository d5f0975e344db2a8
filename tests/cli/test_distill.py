"""`nevoa distill` makes a run that samples in two steps, and goes on with it; and refuses."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nevoa.cli.main import main
from nevoa.commands.train import train
from nevoa.runs import Run, checkpoint
from tests.conftest import TINY

pytestmark = pytest.mark.slow

Typed = Callable[..., str]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "clothes"
    train("fashion_mnist_10k", steps=8, out=folder, options=(*TINY, "diffusion.prediction=v"), progress=False)
    return folder


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path) -> Typed:
    """Type a command in an empty folder; its output."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
        main()
        return capsys.readouterr().out

    return run


@pytest.mark.filterwarnings("default")  # of steps that it was not taught
def test_a_run_is_distilled_continued_and_sampled_from(typed: Typed, teacher: Path) -> None:
    typed("distill", str(teacher), "--steps", "3")
    run = Run(Path("runs/clothes-distilled"))
    assert run.config().training.start == str(teacher)
    assert "is finished" in typed("distill", str(teacher), "--steps", "3")
    typed("continue", str(run.folder), "--steps", "5")
    assert checkpoint.newest_saved(run.checkpoints) == 5 * 8
    assert "euler, 2 steps" in typed("sample", str(run.folder), "--count", "2")
    assert "euler, 3 steps" in typed("sample", str(run.folder), "--count", "2", "--steps", "3")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--minutes", "0"], "--minutes"),
        (["--steps", "3", "--minutes", "1"], "Give one of minutes"),
        (["-o", "diffusion.prediction=epsilon"], "not for prediction=epsilon"),
        (["-o", "network.dim=16"], "leave out the network's own settings"),
        (["--out", "."], "is not a run"),
    ],
)
def test_wrong_options_are_refused(
    typed: Typed, capsys: pytest.CaptureFixture, teacher: Path, options: list[str], message: str
) -> None:
    Path("mine.txt").touch()
    with pytest.raises(SystemExit) as stop:
        typed("distill", str(teacher), *options)
    told = capsys.readouterr().err
    assert stop.value.code == 2
    assert message in told
    assert len(told.strip().splitlines()) == 1
