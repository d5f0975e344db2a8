"""What a run is compared with."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nevoa
from nevoa.commands.measuring import Subject, results, saved
from nevoa.errors import NevoaError
from nevoa.evaluation import Samples, from_run
from nevoa.runs import Run
from tests.conftest import TINY

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Transparent pictures for training and for testing."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for number in range(24):
        place = tmp_path / "pictures" / ("train", "test")[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 4), dtype=np.uint8)).save(place)
    return tmp_path / "pictures"


def trained(source: object, *options: str, **keywords: object) -> Run:
    plain = {"steps": 2, "progress": False, "out": "run", **keywords}
    return nevoa.train(source, "quick", options=[*TINY, *options], **plain)  # pyright: ignore


@pytest.mark.parametrize("named", ["pictures/train", "./pictures/../pictures/train"])
def test_the_own_source_by_name_is_the_own_source(folder: Path, named: str) -> None:
    """With the images that the run set aside, and prepared as it prepared them."""
    subject = Subject(trained("pictures/train", "data.holdout=4", background="black"))
    own, again = subject.reference(None), subject.reference(named)
    assert again.test.fingerprint == own.test.fingerprint
    assert (len(again.test), again.foreign) == (2, False)  # two of the four choose the model


def test_another_source_is_prepared_as_the_images_of_the_run(folder: Path) -> None:
    run = trained("pictures/train", background="black")
    black = Subject(run).reference("pictures/test")
    assert black.foreign
    run = trained("pictures/test", background="black", out="other")
    assert black.train.fingerprint == Subject(run).reference(None).train.fingerprint


def test_test_images_that_were_trained_on_are_not_held_out(folder: Path) -> None:
    subject = Subject(trained("pictures", split="test"))
    for against in (None, "pictures"):
        with pytest.raises(NevoaError, match=r"The model was trained on those of .*pictures\. Choose another source"):
            _ = subject.reference(against).test


def test_images_that_are_gone_can_be_compared_with_others(folder: Path) -> None:
    """A run of an array is compared with a source, but its copies cannot be found."""
    run = trained(np.zeros((8, 8, 8, 3), np.uint8))
    reference = Subject(run).reference("pictures")
    (samples,) = results(from_run(run, reference, 4, 0, steps=1))
    assert isinstance(samples, Samples)
    assert len(samples.images) == 4 and samples.training is None


def test_scores_that_cannot_be_saved_are_not_lost(tmp_path: Path) -> None:
    """A full or read-only disk must not lose what took minutes to measure."""

    def write(run: Run) -> Path:
        raise PermissionError(13, "Permission denied", str(run.folder))

    with pytest.warns(UserWarning, match=f"Cannot save the evaluation in {tmp_path}: Permission denied"):
        assert saved(write, Run(tmp_path)) is None
    assert saved(lambda run: run.card_file, Run(tmp_path)) == Run(tmp_path).card_file
