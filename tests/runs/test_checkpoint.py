"""Two valid checkpoints once there are two; the one resumed from stays, in any order of events."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nevoa._util.files import sweep
from nevoa.errors import NevoaError
from nevoa.runs import checkpoint, manifest
from nevoa.runs.manifest import MODEL, faults
from nevoa.training import Job
from nevoa.training.checkpoint import contents, restore, save_checkpoint
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState
from tests.faults import Disk


def advanced(state: TrainingState, loss: float) -> None:
    """As if a step had been taken: what retention looks at, and weights that are no one else's."""
    state.images_seen += 8
    for network in (state.network, state.average):
        with torch.no_grad():
            next(network.parameters()).fill_(state.images_seen)
    state.keep_best(loss)


class Checkpoints(RuleBasedStateMachine):
    """Training, saving, crashing while saving, damage, and going on from what is left."""

    job: Job

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.patch = pytest.MonkeyPatch()
        self.disk = Disk(self.patch)
        self.state = self.fresh()
        self.resumed_from: Path | None = None
        self.two_once = False
        # By name, all that was ever being saved there: a save that failed may have come through.
        self.saved: dict[str, list[dict[str, bytes]]] = {}

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.folder)

    def fresh(self) -> TrainingState:
        return TrainingState.fresh(self.job.plan, self.job.images.shape)

    def remember(self) -> None:
        self.saved.setdefault(f"{self.state.images_seen:012d}", []).append(contents(self.state))

    @property
    def whole(self) -> list[Path]:
        return [path for path in checkpoint.checkpoints(self.folder) if not faults(path)]

    @rule(loss=st.floats(0.1, 2.0))
    def train(self, loss: float) -> None:
        advanced(self.state, loss)

    @precondition(lambda self: self.state.images_seen)
    @rule()
    def save(self) -> None:
        path = save_checkpoint(self.state, self.folder, self.resumed_from)
        self.remember()
        assert self.whole[-1] == path

    @precondition(lambda self: self.state.images_seen)
    @rule(operation=st.integers(1, 250), lasting=st.booleans(), error=st.sampled_from([errno.EIO, errno.ENOSPC]))
    def crash_while_saving(self, operation: int, lasting: bool, error: int) -> None:
        before = {path.name for path in self.whole}
        self.remember()
        self.disk.fail(operation, error, lasting=lasting)
        try:
            save_checkpoint(self.state, self.folder, self.resumed_from)
        except (NevoaError, OSError):
            self.disk.heal()
            assert len(before & {path.name for path in self.whole}) >= min(2, len(before))
            self.resume()
        self.disk.heal()

    @rule()
    def resume(self) -> None:
        """A new process."""
        sweep(self.folder)
        assert not list(self.folder.rglob(".*"))
        self.state, self.resumed_from = self.fresh(), checkpoint.newest(self.folder)
        if self.resumed_from is not None:
            restore(self.state, self.resumed_from)
            assert contents(self.state) in self.saved[self.resumed_from.name]

    @precondition(lambda self: len(self.whole) > 2)
    @rule()
    def damage_the_newest(self) -> None:
        (self.whole[-1] / MODEL).write_bytes(b"gone")
        self.resume()

    @rule()
    def prune(self) -> None:
        checkpoint.prune(self.folder, self.resumed_from)

    @invariant()
    def two_stay(self) -> None:
        if not hasattr(self, "folder"):
            return
        self.two_once |= len(self.whole) >= 2
        assert not self.two_once or len(self.whole) >= 2

    @invariant()
    def the_one_resumed_from_stays(self) -> None:
        assert not hasattr(self, "folder") or self.resumed_from is None or not faults(self.resumed_from)


@pytest.mark.slow
def test_any_order_of_save_crash_resume_and_prune(job: Job) -> None:
    Checkpoints.job = job
    case = Checkpoints.TestCase
    case.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
    case().runTest()


def test_the_best_model_is_in_the_two_newest_while_older_ones_go(job: Job, tmp_path: Path) -> None:
    state = TrainingState.fresh(job.plan, job.images.shape)
    for loss in (0.9, 0.3, 0.8, 0.7, 0.6, 0.5):
        advanced(state, loss)
        save_checkpoint(state, tmp_path)
    assert [int(path.name) for path in checkpoint.checkpoints(tmp_path)] == [40, 48]
    assert checkpoint.best_saved(tmp_path) == 16
    restore(state, checkpoint.checkpoints(tmp_path)[0])
    assert (next(state.published().network.parameters()) == 16).all()


@pytest.mark.parametrize("text", ["{}", "[]", '{"best": null}', '{"best": {"images_seen": "many"}}', "\0"])
def test_a_best_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    assert checkpoint.best_saved(tmp_path) is checkpoint.best_saved(tmp_path / "none") is None
    (tmp_path / "000000000008").mkdir()
    (tmp_path / "000000000008" / "state.json").write_text(text)
    assert checkpoint.best_saved(tmp_path) is None


def test_an_older_one_that_cannot_be_removed_stops_nothing(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(checkpoint, "remove", refuse)
    state = TrainingState.fresh(job.plan, job.images.shape)
    for _ in range(4):
        advanced(state, 0.5)
        assert not faults(save_checkpoint(state, tmp_path))
    assert len(checkpoint.checkpoints(tmp_path)) == 4
    assert "could not be removed" in caplog.text


def test_nothing_is_removed_before_its_successor_was_read_back(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = TrainingState.fresh(job.plan, job.images.shape)
    for _ in range(2):
        advanced(state, 0.5)
        save_checkpoint(state, tmp_path)
    monkeypatch.setattr(checkpoint, "faults", lambda path: [MODEL] if path.name.endswith("24") else [])
    advanced(state, 0.5)
    with pytest.raises(NevoaError, match="could not be read back"):
        save_checkpoint(state, tmp_path)
    assert [int(path.name) for path in checkpoint.checkpoints(tmp_path)] == [8, 16, 24]


def test_a_run_whose_checkpoints_are_all_damaged_does_not_begin_anew(two_checkpoints: tuple[Path, Path]) -> None:
    for path in two_checkpoints:
        (path / MODEL).write_bytes(b"")
    with pytest.raises(NevoaError, match="Every checkpoint"):
        checkpoint.newest(two_checkpoints[0].parent)


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(
    two_checkpoints: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refused)
    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(NevoaError, match="Permission denied"):
        checkpoint.newest(two_checkpoints[0].parent)


def test_what_cannot_be_read_now_is_neither_damaged_nor_removed(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that stutters, or a checkpoint of another user, is no reason to go back or to throw away."""
    state, real = TrainingState.fresh(job.plan, job.images.shape), manifest.sha256
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
    with pytest.raises(NevoaError, match=r"Input/output error\. The files may still be valid"):
        checkpoint.newest(tmp_path)


def test_a_damaged_checkpoint_is_written_anew(job: Job, two_checkpoints: tuple[Path, Path]) -> None:
    state = TrainingState.fresh(job.plan, job.images.shape)
    steps = training_steps(state, job.images)
    for _ in range(2):
        next(steps)
    (two_checkpoints[1] / MODEL).write_bytes(b"")
    assert save_checkpoint(state, two_checkpoints[1].parent) == two_checkpoints[1]
    assert not faults(two_checkpoints[1])
