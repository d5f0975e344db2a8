"""Everything is readable at any width: no line is longer than the terminal, and nothing is cut off."""

import math
import re
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from nevoa.cli.main import main
from nevoa.cli.terminal import duration
from nevoa.config.plan import TrainingPlan
from nevoa.data import CATALOG
from nevoa.training.progress import show_progress
from nevoa.training.step import Step

Typed = Callable[..., tuple[str, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Typed:
    """Run a command in this process; return what it prints to stdout and stderr."""

    def run(*arguments: str, columns: int | None) -> tuple[str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
        if columns is None:
            monkeypatch.delenv("COLUMNS", raising=False)
        else:
            monkeypatch.setenv("COLUMNS", str(columns))
        try:
            main()
        except SystemExit as stop:
            assert stop.code in (0, 2)
        return capsys.readouterr()

    return run


def unbroken(text: str) -> str:
    """The text without the line breaks and spaces that depend on the width."""
    return "".join(text.split())


DRY_RUN = ("train", "shapes", "--steps", "1", "-o", "network.dim=8", "-o", "training.precision=float32", "--dry-run")


@pytest.mark.slow
@pytest.mark.parametrize("columns", [200, 80, 40])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("data", "list"), [*CATALOG, *(dataset.where for dataset in CATALOG.values())]),
        (("data", "show", "shapes"), ["10,000 images, 32x32 with 3 channels", "triangle", "2,000"]),
        (DRY_RUN, ["10,000 images, 32x32, 3 channels", "class-conditional, 5 classes", "runs/shapes-quick"]),
        (("train", "a-folder-of-that-name-is-not-here/at-all"), ["a-folder-of-that-name-is-not-here/at-all"]),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_no_line_is_longer_than_the_terminal_and_nothing_is_cut(
    arguments: tuple[str, ...], words: list[str], columns: int, typed: Typed
) -> None:
    out, err = typed(*arguments, columns=columns)
    for line in (out + err).splitlines():
        assert len(line) <= columns or line.startswith("First images")
    assert "…" not in out + err
    text = unbroken(out + err).replace("│", "")
    for word in words:
        assert unbroken(word) in text, word


def steps(count: int, memorises_since: int | None = None) -> Iterator[Step]:
    """Steps as a training yields them; the first has no finite loss."""
    for n in range(1, count + 1):
        known = {"images_seen": 64 * n, "images": 64 * count, "batch_size": 64}
        known |= {"images_per_second": 12_345.0, "epoch_ended": False, "memorises_since": memorises_since}
        step = object.__new__(Step)  # of which no more is read
        vars(step).update(known, report_loss=math.nan if n == 1 else 0.5)
        yield step


def plan_of(count: int) -> TrainingPlan:
    """Of so many steps, each with a report."""
    place = {"device": "cpu", "precision": "float32", "threads": 1, "preview_steps": 1}
    intervals = dict.fromkeys(("report_every_images", "preview_every_images", "checkpoint_every_images"), 64)
    return TrainingPlan.model_validate({"images": 64 * count, "batch_size": 64, **place, **intervals})


@pytest.mark.parametrize("columns", [120, 80, 40])
@pytest.mark.parametrize(("count", "since"), [(20, None), (2_000_000, None), (2_000_000, 64)])
def test_the_bar_of_a_training_is_visible_at_any_width(
    count: int, since: int | None, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")
    list(show_progress(islice(steps(count, since), 20), plan_of(count)))
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().err).replace("\r", "\n").splitlines()
    shown = [line for line in lines if ("memorising" if since else "loss") in line]
    assert shown
    for line in shown:
        assert len(line) <= columns and "…" not in line and line.count("━") + line.count("╸") + line.count("╺") >= 8


def test_lines_of_a_training_say_that_no_loss_was_finite(capsys: pytest.CaptureFixture[str]) -> None:
    list(show_progress(steps(2), plan_of(2)))
    first, second = capsys.readouterr().err.splitlines()
    assert "no finite loss yet" in first and "loss 0.5000" in second


def test_a_pipe_gets_a_line_for_each_data_set(typed: Typed) -> None:
    lines = typed("data", "list", columns=None)[0].splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(CATALOG)


def test_durations_are_in_the_unit_that_people_use() -> None:
    assert [duration(seconds) for seconds in (3, 89.6, 90, 5_400, 1e6)] == [
        "3 s",
        "90 s",
        "1.5 min",
        "1.5 h",
        "11.6 days",
    ]
