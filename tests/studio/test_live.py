"""What the page says of a run is what its folder says, whoever is alive."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

import nevoa
from nevoa.runs import Run, journal, training_lock
from nevoa.runs.horizon import Horizon
from nevoa.studio.jobs import Job
from nevoa.studio.live import SECONDS, Progress, curves, mark
from nevoa.studio.texts import texts
from tests.conftest import TINY


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "r"
    return nevoa.train("shapes", steps=4, out=folder, options=TINY, progress=False)


def job(state: str, error: str = "", trains: bool = True, path: Path = Path("missing/1.json")) -> Job:
    """A job of which everything is known."""
    known = type("Known", (Job,), {"state": state, "error": error, "trains": trains})(Path("missing/1.json"))
    known.path = path
    return known


@pytest.mark.slow
def test_a_finished_run_is_finished_whatever_its_job_says(run: Run) -> None:
    progress = Progress.of(run, None)
    assert (progress.state, progress.images_seen, progress.images_planned, progress.share) == ("finished", 32, 32, 1)
    assert progress.seconds_left is None
    assert Progress.of(run, job("ended")).state == "finished"


@pytest.mark.slow
def test_a_run_at_work_has_time_left(run: Run, tmp_path: Path) -> None:
    other = Run(tmp_path / "r")
    other.append_metrics({"images_seen": 8, "loss": 0.5, "images_per_second": 2.0})
    other.write(run.config(), run.plan())
    journal.write(other, "planned", 0, horizon=Horizon(32))
    with training_lock(other):
        progress = Progress.of(other, job("running"))
        assert (progress.state, progress.share) == ("running", 0.25)
        assert progress.seconds_left == 12
        assert "0:12 left" in progress.as_html("a <b>", texts("en"))


def test_a_minute_has_sixty_seconds() -> None:
    progress = Progress("running", "", 8, 32, 119.7, None)
    assert "2:00 left" in progress.as_html("a <b>", texts("en"))


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, "stopped"),
        (job("waiting"), "waiting"),
        (job("running", path=Path(__file__)), "starting"),
        (job("running", path=Path(__file__), trains=False), "stopped"),
        (job("ended"), "stopped"),
        (job("ended", "The images are <b>missing</b>."), "failed"),
    ],
)
def test_before_its_training_begins_a_run_is_what_its_job_is(tmp_path: Path, found: Any, state: str) -> None:
    progress = Progress.of(Run(tmp_path / "r"), found)
    assert progress.state == state
    assert "<b>" not in progress.as_html("a <b>", texts("en"))
    assert ("missing" in progress.as_html("a <b>", texts("en"))) == (state == "failed")


def test_a_change_is_seen_at_once_by_the_numbers_and_soon_by_the_curves(run: Run, tmp_path: Path) -> None:
    other = Run(tmp_path / "r")
    assert curves(other, texts("en")) is None
    marks, start = [], time.time() // SECONDS * SECONDS
    for number, seconds in enumerate((-100.0, -1.0, 0.0)):
        other.append_metrics({"images_seen": 8 * number, "loss": 0.5})
        changed = start + 4 + seconds
        os.utime(other.metrics_file, (changed, changed))
        assert Progress.of(other, None).images_seen == 8 * number
        marks.append(mark(other.metrics_file))
    assert marks[0] < marks[1] == marks[2]
    assert mark(tmp_path / "missing") == 0
    assert curves(run, texts("en"))
