"""Forecasts of the time, memory and disk of a training."""

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from nevoa.errors import NevoaError
from nevoa.runs import Run
from nevoa.training import Job, forecast
from nevoa.training.checkpoint import save_checkpoint
from nevoa.training.forecast import check_disk, disk_bytes
from tests.small_runs import distillation_of, state_of, stop_after


def test_a_run_that_holds_much_already_needs_less_room(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(forecast, "check_room", lambda folder, needed, what: asked.append(needed))
    stop_after(job, tmp_path / "r", 7)
    check_disk(job, tmp_path / "r")
    saved = [path.stat().st_size for part in ("checkpoints", "model") for path in (tmp_path / "r" / part).rglob("*.*")]
    assert asked[0] - asked[1] == sum(saved) > 0


@pytest.mark.parametrize("when", ["before the start", "before a save"])
def test_a_full_disk_is_said(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    state = state_of(job.config, job.images)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100})())
    with pytest.raises(NevoaError, match=r"needs up to .* are free"):
        if when == "before the start":
            stop_after(job, tmp_path / "r", 1)
        else:
            save_checkpoint(state, tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_the_checkpoints_and_the_model_of_a_run_fit_into_its_forecast(job: Job, tmp_path: Path) -> None:
    """Of the training that has most networks. As many checkpoints are saved as may be kept, and more."""
    job, run = distillation_of(job, "match"), Run(tmp_path / "r")
    stop_after(job, run.folder, 99)
    files = (load_file(path) for path in run.folder.rglob("*.safetensors"))
    saved = sum(tensor.nbytes for tensors in files for tensor in tensors.values())
    assert 4 * job.parameters < saved <= disk_bytes(job.parameters, job.plan, job.trained) - disk_bytes(0, job.plan, 0)
