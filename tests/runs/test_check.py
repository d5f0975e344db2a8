"""`check` reads every file of a run and names each damaged one."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from nevoa._util import files
from nevoa._util.files import append_line
from nevoa.errors import NevoaError
from nevoa.runs import Run, journal, training_lock
from nevoa.runs.check import check
from nevoa.runs.horizon import Horizon
from nevoa.runs.manifest import EMA
from nevoa.training import Job
from tests.small_runs import stop_after


@pytest.fixture
def run(job: Job, tmp_path: Path) -> Run:
    run = Run(tmp_path / "r")
    stop_after(job, run.folder, 12)
    run.save_evaluation("report", {"scores": {}}, Image.new("L", (2, 2)))
    run.save_loss_curve()
    return run


def problems(run: Run) -> dict[str, str]:
    return {part: problem for part, problem in check(run) if problem}


def test_a_sound_run_has_no_problem_and_every_part_is_named(run: Run) -> None:
    parts = dict(check(run))
    assert set(parts.values()) == {""}
    written = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()}
    named = {path for path in written if any(path == part or path.startswith(f"{part}/") for part in parts)}
    assert written - named == {"README.md", "trainer.lock", "model/config.json"}


@pytest.mark.slow
def test_each_damaged_part_is_named(run: Run) -> None:
    newest = max(run.checkpoints.iterdir())
    damages = {
        "config.toml": run.config_file,
        "plan.toml": run.plan_file,
        "metrics.jsonl": run.metrics_file,
        "journal.jsonl": run.journal_file,
        f"checkpoints/{newest.name}": newest / EMA,
        "model/model.safetensors": run.weights_file,
        "loss.png": run.loss_file,
        f"samples/{run.previews()[0].name}": run.previews()[0],
        "evaluation/report.json": run.evaluations_folder / "report.json",
        "evaluation/report.png": run.evaluations_folder / "report.png",
    }
    for part, path in damages.items():
        data = path.read_bytes()
        # Half of a file of lines may be whole lines, so the last of them loses its end too.
        path.write_bytes(data[: len(data) // 2].rstrip(b"}\n"))
        assert list(problems(run)) == [part]
        path.write_bytes(data)
    assert not problems(run)


@pytest.mark.parametrize("line", ["{}", '{"event": "moved", "images_seen": 9, "costs": {"image": "long"}}', "7"])
def test_a_damaged_entry_of_the_journal_is_named(run: Run, line: str) -> None:
    journal.write(run, "moved", 8, horizon=Horizon(96, since=8))
    assert not problems(run)
    count = len(list(journal.read(run))) + 1
    append_line(run.journal_file, line)
    assert f"line {count} of {count} is cut off or not an entry" in problems(run)["journal.jsonl"]


def test_a_plan_that_was_edited_or_lost_is_named(run: Run) -> None:
    text = run.plan_file.read_text()
    run.plan_file.write_text(text.replace("seed = 0", "seed = 1"))
    assert problems(run)["plan.toml"].startswith("edited (training.seed: was 0, now 1); to restore it")
    run.plan_file.unlink()
    assert problems(run)["plan.toml"].startswith("missing; to restore it from the newest checkpoint")


@pytest.mark.slow
def test_a_long_file_of_lines_is_no_damage(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its lines are read into memory, one after the other."""
    monkeypatch.setattr(files, "LARGEST_TEXT", run.metrics_file.stat().st_size - 1)
    assert dict(check(run))["metrics.jsonl"] == ""


@pytest.mark.slow
def test_lines_out_of_order_are_noticed(run: Run) -> None:
    lines = run.metrics_file.read_text().splitlines(keepends=True)
    run.metrics_file.write_text("".join(reversed(lines)))
    assert len(lines) > 1
    assert problems(run) == {"metrics.jsonl": "its lines are not in order"}


@pytest.mark.slow
def test_files_of_a_killed_process_are_named(run: Run) -> None:
    shutil.copytree(run.checkpoints, run.checkpoints / ".000000000096.abc.part")
    assert "left by a killed process" in problems(run)["checkpoints/.000000000096.abc.part"]


def test_a_folder_that_is_no_run_or_is_being_trained_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match="is not a run"):
        next(check(Run(tmp_path / "nowhere")))
    with training_lock(run), pytest.raises(NevoaError, match="is being trained"):
        next(check(run))
