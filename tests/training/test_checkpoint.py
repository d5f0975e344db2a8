"""A save is all or nothing, whichever file operation fails."""

import errno
import shutil
from pathlib import Path

import pytest

from nevoa._util.files import sweep
from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.runs import checkpoint
from nevoa.runs.manifest import faults
from nevoa.runs.run import Run
from nevoa.training.checkpoint import contents, restore
from nevoa.training.loop import training_steps
from nevoa.training.recorder import Recorder
from tests.faults import Disk
from tests.small_runs import LEAST, state_of

# Python has a class for EACCES; EIO is an OSError like all others.
ERRORS = {"EIO": errno.EIO, "EACCES": errno.EACCES}


@pytest.mark.slow
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_whichever_operation_fails_the_old_or_the_new_checkpoint_is_whole(
    tiny: Config, few_images: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, lasting: bool
) -> None:
    """Two checkpoints are there when the third is saved, so that the save also removes one."""
    config = tiny.model_copy(update={"network": LEAST})
    state, before = state_of(config, few_images), Run(tmp_path / "before")
    steps = training_steps(state, few_images)
    for _ in range(2):
        next(steps)
        Recorder(before, state).keep()
    next(steps)
    expected, disk, again = contents(state), Disk(monkeypatch), state_of(config, few_images)
    number = 0
    while disk.failed or not number:
        number += 1
        run = Run(tmp_path / str(number))
        shutil.copytree(before.folder, run.folder)
        disk.fail(number, error, lasting=lasting)
        told = False
        try:
            Recorder(run, state).keep()
        except NevoaError as sentence:
            told = True
            assert "\n" not in str(sentence)
        disk.heal()
        whole = [int(path.name) for path in checkpoint.checkpoints(run.checkpoints) if not faults(path)]
        assert whole[-2:] in ([8, 16], [16, 24])
        assert whole[-1] == 24 or told
        found = checkpoint.newest(run.checkpoints)
        assert found is not None
        restore(again, found)
        assert whole[-1] == 16 or contents(again) == expected
        sweep(run.folder)
        assert not [path for path in run.folder.rglob("*") if path.name.startswith(".")]
        shutil.rmtree(run.folder)
    assert number > 60
