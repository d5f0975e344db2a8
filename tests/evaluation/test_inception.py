"""Inception metrics with the real network and weights from a file, and without them.

That they equal our own distances on injected features is in test_distances.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from nevoa.errors import NevoaError
from nevoa.evaluation.inception import inception_scores

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 1), dtype=np.uint8)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of Inception weights as they are before training: the architecture is real, the numbers are not."""
    from torchmetrics.image.fid import NoTrainInceptionV3

    path = tmp_path / "inception.pth"
    with monkeypatch.context() as patched:
        patched.setattr(torch, "load", lambda *_, **__: {})
        patched.setattr(NoTrainInceptionV3, "load_state_dict", lambda *_: None)
        (tmp_path / "any").touch()
        network = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(tmp_path / "any"))
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.slow
def test_weights_come_from_a_file(weights: Path) -> None:
    scores = inception_scores(255 - IMAGES // 4, IMAGES, weights)
    assert set(scores) == {"fid", "kid", "kid_std"}
    assert scores["fid"] > 0


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match="There is no file"):
        inception_scores(IMAGES, IMAGES, tmp_path / "nowhere.pth")


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"a": torch.zeros(2)}, path)
    with pytest.raises(NevoaError, match="does not hold"):
        inception_scores(IMAGES, IMAGES, path)
    path.write_bytes(b"rubbish")
    with pytest.raises(NevoaError, match="does not hold"):
        inception_scores(IMAGES, IMAGES, path)


class Trap:
    """Pickled, it touches a file when it is opened."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_opening_weights_runs_no_code(tmp_path: Path) -> None:
    path = tmp_path / "trap.pth"
    torch.save({"a": Trap(tmp_path / "touched")}, path)
    with pytest.raises(NevoaError, match="does not hold"):
        inception_scores(IMAGES, IMAGES, path)
    assert not (tmp_path / "touched").exists()


def test_without_a_network_the_user_is_told_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch_fidelity.feature_extractor_inceptionv3 as theirs

    def refused(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(theirs, "load_state_dict_from_url", refused)
    with pytest.raises(NevoaError, match="--inception-weights"):
        inception_scores(IMAGES, IMAGES)
