"""`nevoa runs`, typed in this process."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.cli.main import main
from nevoa.config import Config
from nevoa.pictures import loss_curves
from nevoa.runs import Run

Typed = Callable[..., str]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Typed:
    """Run `nevoa runs` in an empty folder; return what it prints to stdout, or its error."""

    def run(*arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["nevoa", "runs", *arguments])
        try:
            main()
        except SystemExit as stop:
            assert stop.code == 2
            return capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.fixture
def two_runs(tiny: Config, tmp_path: Path) -> dict[str, Run]:
    """Two runs of one reported loss each."""
    runs = {name: Run(tmp_path / name) for name in ("a", "b")}
    for run, loss in zip(runs.values(), ("l2", "huber"), strict=True):
        run.write_config(tiny.updated("training", loss=loss), {})
        run.append_metrics({"images_seen": 8, "loss": 1.0})
    return runs


@pytest.mark.parametrize(("names", "titles"), [(["a"], ["a"]), (["a", "b"], ["a (l2 of v)", "b (huber of v)"])])
def test_losses_are_drawn_and_kinds_that_differ_are_named(
    names: list[str], titles: list[str], two_runs: dict[str, Run], typed: Typed
) -> None:
    assert typed("plot", *names, "--out", "x.png").endswith(": x.png\n")
    expected = loss_curves({title: two_runs[name].metrics() for name, title in zip(names, titles, strict=True)})
    np.testing.assert_array_equal(np.asarray(Image.open("x.png")), np.asarray(expected))


def test_a_folder_that_is_no_run_is_not_drawn(typed: Typed) -> None:
    assert "c is not a run: c/config.toml is missing" in typed("plot", "c")
