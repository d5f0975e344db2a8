"""Whatever happens to a checkpoint's files is noticed, by name, and the next older one is used."""

import hashlib
import itertools
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

import nevoa.runs.run as runs
from nevoa.config import to_toml
from nevoa.errors import NevoaError
from nevoa.runs.run import Run
from nevoa.runs import checkpoint, manifest
from nevoa.training import Job
from nevoa.runs.check import check
from nevoa.training.loop import training_steps
from nevoa.runs.manifest import EMA, MODEL, NAME, OPTIMIZER, STATE, faults
from nevoa.training.snapshot import save_checkpoint
from nevoa.training.state import TrainingState

FILES = (MODEL, EMA, OPTIMIZER, STATE, NAME)


@pytest.fixture
def two(job: Job, tmp_path: Path) -> tuple[Path, Path]:
    """An older and a newer checkpoint."""
    state = TrainingState.fresh(job.config, job.images.shape)
    steps, saved = training_steps(state, job.images), []
    for _ in range(2):
        next(steps)
        saved.append(save_checkpoint(state, tmp_path / "checkpoints"))
    return saved[0], saved[1]


def truncated(data: bytes) -> Iterator[bytes]:
    """Cut at the ends, and at twenty places between."""
    for end in sorted({0, 1, len(data) - 1, *range(0, len(data), max(1, len(data) // 20))}):
        yield data[:end]


def flipped(data: bytes) -> Iterator[bytes]:
    """A bit turned in each of a hundred regions, and in every one of the first 64 bytes."""
    for place in sorted({*range(min(64, len(data))), *range(0, len(data), max(1, len(data) // 100)), len(data) - 1}):
        yield data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]


@pytest.mark.parametrize("damage", [truncated, flipped])
@pytest.mark.parametrize("name", FILES)
def test_every_damage_is_noticed_by_name(
    two: tuple[Path, Path], caplog: pytest.LogCaptureFixture, name: str, damage
) -> None:
    older, newer = two
    data = (newer / name).read_bytes()
    for wrong in damage(data):
        (newer / name).write_bytes(wrong)
        assert faults(newer) == [name], wrong[:100]
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert checkpoint.newest(older.parent) == older
    assert f"{newer} is damaged ({name})" in caplog.text
    (newer / name).write_bytes(data)
    assert checkpoint.newest(older.parent) == newer


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_or_of_another_checkpoint_is_noticed(two: tuple[Path, Path], name: str) -> None:
    older, newer = two
    shutil.copy(older / name, newer / name)
    assert faults(newer)
    assert checkpoint.newest(older.parent) == older
    (newer / name).unlink()
    assert faults(newer) == [name]


def test_a_checkpoint_under_another_number_is_noticed(two: tuple[Path, Path]) -> None:
    older, newer = two
    newer.rename(newer.with_name(f"{10**6:012d}"))
    assert checkpoint.newest(older.parent) == older


def test_a_run_whose_checkpoints_are_all_damaged_does_not_begin_anew(two: tuple[Path, Path]) -> None:
    for path in two:
        (path / MODEL).write_bytes(b"")
    with pytest.raises(NevoaError, match="Every checkpoint"):
        checkpoint.newest(two[0].parent)


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.listdir", refused)
    monkeypatch.setattr("os.scandir", refused)
    with pytest.raises(NevoaError, match="Permission denied"):
        checkpoint.newest(two[0].parent)


def test_what_cannot_be_read_now_is_neither_damaged_nor_removed(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that stutters, or a checkpoint of another user, is no reason to go back or to throw away."""
    state, real = TrainingState.fresh(job.config, job.images.shape), manifest.sha256
    steps = training_steps(state, job.images)
    unreadable = [save_checkpoint(state, tmp_path)]

    def stutters(path: Path) -> str:
        if path.parent in unreadable:
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(manifest, "sha256", stutters)
    saved = []
    for _ in range(4):
        next(steps)
        saved.append(save_checkpoint(state, tmp_path))
    assert unreadable[0].exists()
    unreadable.append(saved[-1])
    with pytest.raises(NevoaError, match=r"Input/output error. It may be whole"):
        checkpoint.newest(tmp_path)


def test_a_checkpoint_of_a_later_format_is_not_damaged(two: tuple[Path, Path]) -> None:
    path = two[1] / "manifest.json"
    record = json.loads(path.read_text()) | {"format": 2}
    record.pop("sha256")
    record |= {"sha256": hashlib.sha256(json.dumps(record).encode()).hexdigest()}
    path.write_text(json.dumps(record))
    with pytest.raises(NevoaError, match="has format 2; this nevoa reads 1"):
        checkpoint.newest(two[0].parent)


def test_a_damaged_checkpoint_is_written_anew(job: Job, two: tuple[Path, Path]) -> None:
    state = TrainingState.fresh(job.config, job.images.shape)
    steps = training_steps(state, job.images)
    for _ in range(2):
        next(steps)
    (two[1] / MODEL).write_bytes(b"")
    assert save_checkpoint(state, two[1].parent) == two[1]
    assert not faults(two[1])


@pytest.mark.parametrize("earlier", [False, True], ids=["the first model", "a later one"])
@pytest.mark.parametrize("stop_at", range(4))
def test_a_model_that_was_being_published_is_whole(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool, stop_at: int
) -> None:
    """Wherever its trainer was killed, what is there is the old or the new one, and known to be."""
    run, state = Run(tmp_path), TrainingState.fresh(job.config, job.images.shape)
    run.config_file.write_text(to_toml(job.config))
    run.append_metrics({"images_seen": 0})
    run.status_file.write_text("{}")
    steps = training_steps(state, job.images)
    if earlier:
        run.publish_model(state.model())
    next(steps)
    done = itertools.count()

    def killed(real: Callable[..., None]) -> Callable[..., None]:
        def write(*arguments: object) -> None:
            if next(done) == stop_at:
                raise KeyboardInterrupt
            real(*arguments)

        return write

    for name in ("write_text", "write_bytes"):
        monkeypatch.setattr(f"nevoa.runs.run.{name}", killed(getattr(runs, name)))
    with pytest.raises(KeyboardInterrupt) if stop_at < 3 else nullcontext():
        run.publish_model(state.model())
    assert [problem for _, problem in check(run) if problem] == []
    assert run.weights_file.exists() == (earlier or stop_at > 1)
    if run.weights_file.exists():
        run.model("cpu")
        run.weights_file.write_bytes(run.weights_file.read_bytes()[:-1] + b"\1")
        assert [part for part, problem in check(run) if problem] == ["model/model.safetensors"]
