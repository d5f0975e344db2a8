"""`nevoa continue` resumes a run, or trains it for longer, without its options."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from nevoa import trackers
from nevoa.cli.main import main
from nevoa.config import changes
from nevoa.config.toml import to_toml
from nevoa.data import load_images
from nevoa.parallel.device import choose_threads
from nevoa.runs import Run, journal, status_of
from nevoa.runs.check import check
from nevoa.training import Job, checkpoint, fit_job, planning, prepare
from nevoa.training.budget import Budget
from tests.small_runs import outcome, replanned, stop_after

pytestmark = pytest.mark.slow


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def run(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
        main()

    return run


@pytest.fixture
def refused(typed: Callable[..., None], capsys: pytest.CaptureFixture) -> Callable[..., str]:
    """Expect exit code 2 and one line; return it."""

    def run(*arguments: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            typed(*arguments)
        told = capsys.readouterr().err.strip()
        assert stop.value.code == 2 and "\n" not in told
        return told

    return run


@pytest.fixture
def settled(job: Job, few_images_file: Path, tmp_path: Path) -> Job:
    """Of images in a file, which the command loads again."""
    config = job.config.updated("data", source=str(few_images_file))
    return prepare(config, load_images(config.data), run=Run(tmp_path / "whole"))


def test_a_stopped_run_goes_on_to_the_same_end(settled: Job, tmp_path: Path, typed: Callable[..., None]) -> None:
    stop_after(settled, tmp_path / "whole", 99)
    stop_after(settled, tmp_path / "r", 7)
    typed("continue", str(tmp_path / "r"))
    assert outcome(Run(tmp_path / "r")) == outcome(Run(tmp_path / "whole"))


def test_a_finished_run_is_trained_for_longer(settled: Job, tmp_path: Path, typed: Callable[..., None]) -> None:
    """From where it ended; its journal says so."""
    run = Run(tmp_path / "r")
    stop_after(settled, run.folder, 99)
    typed("continue", str(run.folder), "--steps", "44")
    assert [line["images_seen"] for line in run.metrics()][-1] == 352
    assert list(changes(settled.config, run.config()).values()) == ["training.steps: was 40, now 44"]
    assert list(changes(settled.plan, run.plan()).values()) == ["training.images: was 320, now 352"]
    extended = [entry.horizon for entry in journal.read(run) if entry.event == "extended"]
    assert [horizon and (horizon.since, horizon.images) for horizon in extended] == [(320, 352)]


def test_a_finished_run_says_what_it_reached_and_how_to_go_on(
    settled: Job, tmp_path: Path, typed: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path / "r")
    stop_after(settled, run.folder, 99)
    loss = list(run.metrics())[-1]["loss"]
    run.weights_file.unlink()
    capsys.readouterr()
    typed("continue", str(run.folder))
    assert capsys.readouterr().out.splitlines() == [
        f"{run.folder} is finished: 320 images seen, loss {loss:.4f}.",
        f"To train it for twice as long: nevoa continue {run.folder} --steps 80",
    ]
    assert run.has_model  # what it lost is restored
    typed("continue", str(run.folder), "--steps", "41")
    assert "Trained: " in capsys.readouterr().out


def test_the_plan_of_a_longer_training_counts_from_where_it_goes_on(
    settled: Job, tmp_path: Path, typed: Callable[..., None], capsys: pytest.CaptureFixture
) -> None:
    """From before the cool-down of a finished run."""
    cooling = settled.config.updated("training", learning_rate_decay="linear", cooldown=0.75)
    stop_after(prepare(cooling, settled.images), tmp_path / "r", 99)
    capsys.readouterr()
    typed("continue", str(tmp_path / "r"), "--steps", "60", "--dry-run")
    assert "480 to see, 8 at a time, 80 done" in capsys.readouterr().out


def test_minutes_for_as_many_images_as_a_finished_run_took_train_it(
    settled: Job,
    tmp_path: Path,
    typed: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    """The number of images is an estimate then, and more may fit."""
    stop_after(settled, tmp_path / "r", 99)
    monkeypatch.setattr(planning, "timetable", lambda *_: {"images": 320})
    monkeypatch.setattr(Budget, "fitting", lambda *_: 352)
    capsys.readouterr()
    typed("continue", str(tmp_path / "r"), "--minutes", "5")
    assert "Trained: " in capsys.readouterr().out


def test_a_finished_run_is_sent_to_a_tracker(
    settled: Job, tmp_path: Path, typed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that failed gets the rest by the command that its warning names."""
    run, seen = Run(tmp_path / "r"), list[int]()
    stop_after(settled, run.folder, 99)
    tracker = Mock(start=lambda run, known: "id", scalars=lambda values, images_seen: seen.append(images_seen))
    monkeypatch.setattr(trackers, "trackers_of", lambda names: dict.fromkeys(names, tracker))
    typed("continue", str(run.folder), "--track", "wandb")
    assert seen == [line["images_seen"] for line in run.metrics()]


def test_a_longer_training_that_is_killed_keeps_its_budget(
    settled: Job, tmp_path: Path, typed: Callable[..., None]
) -> None:
    """Before its first checkpoint, config.toml alone knows of it."""
    run, killed = Run(tmp_path / "r"), Run(tmp_path / "killed")
    stop_after(settled, run.folder, 99)
    stream = fit_job(prepare(settled.config.updated("training", steps=44), settled.images, run=run), run)
    next(stream)
    shutil.copytree(run.folder, killed.folder)
    stream.close()
    assert [problem for _, problem in check(killed) if problem] == []
    typed("continue", str(killed.folder))
    assert [line["images_seen"] for line in killed.metrics()][-1] == 352


@pytest.mark.filterwarnings("default")
def test_a_run_of_an_absent_device_goes_on_on_another(
    settled: Job,
    tmp_path: Path,
    typed: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    """The run says cuda; the CPU computed it, because the machine that tests it need not have more."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run, on_gpu = Run(tmp_path / "r"), replanned(settled.plan, device="cuda", threads=3)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "to_toml", lambda _: to_toml(on_gpu))
        stop_after(settled, run.folder, 7)
    run.write(settled.config.updated("training", device="cuda", threads=3), on_gpu)
    typed("continue", str(run.folder))
    assert "trained on cuda and continues on" in capsys.readouterr().err
    assert status_of(run)[0] == "finished"
    assert run.plan().training.device != "cuda"
    assert run.plan().training.threads == choose_threads()


def test_a_new_budget_accepts_no_other_change(
    settled: Job,
    few_images_file: Path,
    tmp_path: Path,
    typed: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    stop_after(settled, tmp_path / "r", 7)
    np.savez(few_images_file, images=255 - settled.images.images)
    before = Run(tmp_path / "r").config_file.read_bytes()
    with pytest.raises(SystemExit) as stop:
        typed("continue", str(tmp_path / "r"), "--steps", "44")
    told = capsys.readouterr().err
    assert stop.value.code == 2 and "other settings:\n  data.fingerprint: was" in told and "steps" not in told
    assert Run(tmp_path / "r").config_file.read_bytes() == before


def test_a_stopped_run_is_brought_to_an_end(settled: Job, tmp_path: Path, typed: Callable[..., None]) -> None:
    run = Run(tmp_path / "r")
    stop_after(settled, run.folder, 7)
    typed("continue", str(run.folder), "--cool-down", "3s")
    assert status_of(run)[0] == "finished"
    assert 0 < (run.config().training.minutes or 0) < 1


def test_a_finished_run_has_nothing_to_end(settled: Job, tmp_path: Path, refused: Callable[..., str]) -> None:
    stop_after(settled, tmp_path / "r", 99)
    assert "is finished: to train it for longer" in refused("continue", str(tmp_path / "r"), "--cool-down", "3s")


def test_wrong_input_is_refused(settled: Job, tmp_path: Path, refused: Callable[..., str]) -> None:
    stop_after(settled, tmp_path / "r", 7)
    assert "is not a run" in refused("continue", str(tmp_path / "nowhere"))
    assert "Give one of minutes, epochs and steps" in refused(
        "continue", str(tmp_path / "r"), "--steps", "50", "--epochs", "2"
    )
    assert "leave out --minutes" in refused("continue", str(tmp_path / "r"), "--cool-down", "3s", "--steps", "50")
    assert "--cool-down must be above 0" in refused("continue", str(tmp_path / "r"), "--cool-down", "0s")
    assert "has taken 56 images already" in refused("continue", str(tmp_path / "r"), "--steps", "5")
