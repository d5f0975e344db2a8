"""A summary tells what can be read of a run, whatever else is damaged."""

import os
from pathlib import Path
from typing import Any

import pytest

from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.runs import Run, Summary, journal, runs_in
from nevoa.runs.horizon import Horizon
from tests.small_runs import planned


@pytest.fixture
def run(tiny: Config, few_images: ImageSet, tmp_path: Path) -> Run:
    """Twelve steps of 8 planned, 24 images seen by the metrics, 40 by the checkpoint."""
    run = Run(tmp_path / "runs" / "tiny")
    run.write(tiny, planned(tiny, few_images))
    journal.write(run, "planned", 0, horizon=Horizon(96))
    journal.write(run, "finished", 96)
    run.append_metrics({"images_seen": 24, "loss": 0.5})
    (run.checkpoints / "000000000040").mkdir(parents=True)
    reports = [
        report({"fd_a": 3.0}, count=9_000, protocol="nevoa-a/1"),
        report({"fd_a": 1.0}, count=2_000),
        report({"near_copies": 0.5, "fd_a": 2.0}, count=2_000),
        report({"fd_a": 0.5}, count=50),
        report({"near_copies": 0.0}, count=10_000),
        {"rows": []},
    ]
    for moment, values in enumerate(reports):
        path = run.save_evaluation(f"report-{moment}", values)
        os.utime(path, (moment, moment))
    return run


def report(scores: dict[str, float], count: int, protocol: str = "nevoa-a/2", **others: Any) -> dict[str, Any]:
    return {"images": count, "protocol": {"name": protocol}, "scores": scores} | others


def test_a_summary_takes_each_value_from_where_it_is(run: Run) -> None:
    found = Summary.of(run)
    assert (found.name, found.status, found.message) == ("tiny", "finished", "")
    assert (found.images_seen, found.images_planned) == (40, 96)
    assert (found.loss, found.quality) == (0.5, ("fd_a", 2.0, 2_000)), "the newest of the largest by protocol 2"
    assert found.size == sum(path.stat().st_size for path in run.folder.rglob("*") if path.is_file())


def test_the_quality_is_that_of_the_present_model(run: Run) -> None:
    """A model that was trained on since has other weights."""
    run.save_evaluation("old", report({"fd_a": 9.0}, count=10_000, weights="old"))
    run.save_evaluation("new", report({"fd_a": 7.0}, count=5_000, weights="new"))
    run.model_config_file.parent.mkdir()
    run.model_config_file.write_text('{"sha256": "new"}')
    assert Summary.of(run).quality == ("fd_a", 7.0, 5_000)


@pytest.mark.slow
def test_without_a_distance_there_is_no_quality(run: Run) -> None:
    for path in run.evaluation_files():
        path.unlink()
    run.save_evaluation("copies", report({"near_copies": 0.0}, count=10_000))
    assert Summary.of(run).quality is None


def test_damaged_parts_are_skipped(run: Run) -> None:
    for path in (run.config_file, run.plan_file, run.metrics_file, run.journal_file, *run.evaluations_folder.iterdir()):
        path.write_bytes(b"\0")
    found = Summary.of(run)
    assert (found.status, found.images_seen) == ("stopped", 40)
    assert found.images_planned is found.loss is found.quality is None


def test_folders_without_a_plan_are_no_runs(run: Run) -> None:
    (run.folder.parent / "photos").mkdir()
    assert list(runs_in(run.folder.parent)) == [run]
    with pytest.raises(NevoaError, match="There is no folder"):
        runs_in(run.folder.parent / "nowhere")


def test_a_folder_that_may_not_be_read_is_passed_over(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the lost+found of a disk."""
    closed, original = run.folder.parent / "lost+found", Path.is_file

    def is_file(path: Path) -> bool:
        if closed in path.parents:
            raise PermissionError(13, "Permission denied")
        return original(path)

    closed.mkdir()
    monkeypatch.setattr(Path, "is_file", is_file)
    assert [one.folder.name for one in runs_in(run.folder.parent)] == ["tiny"]
