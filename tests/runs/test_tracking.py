"""The run folder remembers what each tracker has."""

from pathlib import Path

import pytest
from PIL import Image

from nevoa.runs import Run
from nevoa.runs.tracking import Sent, read_sent, reports_after, write_sent


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "r")
    for seen in (8, 16, 24):
        run.append_metrics({"images_seen": seen})
    for seen in (8, 12, 24, 32):
        run.save_preview(seen, Image.new("L", (4, 4)))
    return run


def test_each_tracker_has_its_own_notes(run: Run) -> None:
    one, other = Sent(id="a", images_seen=8), Sent(id="b", scores={"x": 1.0})
    write_sent(run, "wandb", one)
    write_sent(run, "wandb:other", other)
    assert (read_sent(run, "wandb"), read_sent(run, "wandb:other"), read_sent(run, "mlflow")) == (one, other, None)


def test_each_preview_belongs_to_the_next_report(run: Run) -> None:
    """A later one waits for its report; those before the first are with the tracker."""
    found = [(line["images_seen"], list(previews)) for line, previews in reports_after(run, 8)]
    assert found == [(16, [12]), (24, [24])]
