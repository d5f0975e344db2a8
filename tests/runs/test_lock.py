"""One training per run folder, and how the last one ended.

That a killed process releases its lock is tested with the real command in tests/cli/test_stopping.py.
"""

import os
from pathlib import Path

import pytest

from nevoa.errors import NevoaError
from nevoa.runs import Run, journal, refuse_if_training, remove, status_of, training_lock
from nevoa.training import Job, fit_job
from tests.formats.small_run import run_of
from tests.small_runs import again


@pytest.mark.slow
def test_the_lock_is_exclusive_within_a_process_too(tmp_path: Path) -> None:
    run = Run(tmp_path / "r")
    with training_lock(run):
        journal.write(run, "started", 0, about={"pid": os.getpid(), "host": "here"})
        with pytest.raises(NevoaError, match=f"process {os.getpid()}"), training_lock(run):
            pass
        with pytest.raises(NevoaError, match="is being trained"):
            refuse_if_training(run)
        assert status_of(run) == ("running", "")
    assert status_of(run) == ("stopped", "")
    refuse_if_training(run)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, ("finished", "")),
        (RuntimeError("no memory"), ("failed", "no memory")),
        (KeyboardInterrupt(), ("stopped", "")),
        (GeneratorExit(), ("stopped", "")),
    ],
    ids=["its end", "an error", "Ctrl-C", "a reader that stops"],
)
def test_the_status_says_how_a_training_ended(
    job: Job, tmp_path: Path, error: BaseException | None, expected: tuple[str, str]
) -> None:
    run = Run(tmp_path / "r")
    stream = fit_job(again(job, images=16), run)
    next(stream)
    if error is None:
        list(stream)
    else:
        with pytest.raises(type(error)):
            stream.throw(error)
    assert status_of(run) == expected


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_before_the_start_leaves_the_status_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    run = Run(tmp_path / "r")
    journal.write(run, "finished", 8)
    with pytest.raises(error), training_lock(run):
        raise error("another torch")
    assert status_of(run) == ("finished", "")
    with training_lock(run):  # the lock is free
        pass


@pytest.mark.parametrize("text", ["", "[]", '{"event": "dancing", "at": 1, "images_seen": 8}'])
def test_a_run_without_a_valid_journal_is_stopped(tmp_path: Path, text: str) -> None:
    run = Run(tmp_path)
    run.journal_file.write_text(f"{text}\n")
    assert status_of(run) == ("stopped", "")


def test_the_word_of_a_killed_training_is_not_believed(tmp_path: Path) -> None:
    run = Run(tmp_path)
    journal.write(run, "started", 0)
    run.lock_file.touch()
    assert status_of(run) == ("stopped", "")


def test_only_a_run_is_removed(tmp_path: Path) -> None:
    """A folder of photographs is not lost because it was named by mistake."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    for name in ("photos", "missing"):
        with pytest.raises(NevoaError, match=f"{name} is not a run"):
            remove(Run(tmp_path / name))
    assert [path.name for path in tmp_path.rglob("*.*")] == ["cat.png"] and not (tmp_path / "missing").exists()
    run = run_of(tmp_path / "run")
    remove(run)
    assert not run.folder.exists()
