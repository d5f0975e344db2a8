"""A summary tells what can be read of a run, whatever else is damaged."""

import os
from pathlib import Path

import pytest

from nevoa.config import Config
from nevoa.errors import NevoaError
from nevoa.runs import Run, Summary, runs_in, training_lock


@pytest.fixture
def run(tiny: Config, tmp_path: Path) -> Run:
    """Twelve steps of 8 planned, 24 images seen by the metrics, 40 by the checkpoint."""
    run = Run(tmp_path / "runs" / "tiny")
    with training_lock(run):
        run.write_config(tiny, {})
        run.append_metrics({"images_seen": 24, "loss": 0.5})
        (run.checkpoints / "000000000040").mkdir(parents=True)
    for moment, (name, scores) in enumerate({"first": {"fd_a": 1.0}, "last": {"fd_b": 2.0}, "sweep": None}.items()):
        path = run.save_evaluation(name, {"scores": scores} if scores else {"rows": []})
        os.utime(path, (moment, moment))
    return run


def test_a_summary_takes_each_value_from_where_it_is(run: Run) -> None:
    found = Summary.of(run)
    assert (found.name, found.status, found.message) == ("tiny", "finished", "")
    assert (found.images_seen, found.images_planned) == (40, 96)
    assert (found.loss, found.quality) == (0.5, ("fd_b", 2.0))
    assert found.size == sum(path.stat().st_size for path in run.folder.rglob("*") if path.is_file())


def test_damaged_parts_are_skipped(run: Run) -> None:
    for path in (run.config_file, run.metrics_file, run.status_file, *run.evaluations_folder.iterdir()):
        path.write_bytes(b"\0")
    found = Summary.of(run)
    assert (found.status, found.images_seen) == ("stopped", 40)
    assert found.images_planned is found.loss is found.quality is None


def test_folders_without_a_config_are_no_runs(run: Run) -> None:
    (run.folder.parent / "photos").mkdir()
    assert list(runs_in(run.folder.parent)) == [run]
    with pytest.raises(NevoaError, match="There is no folder"):
        runs_in(run.folder.parent / "nowhere")
