"""Inception metrics: equal to our own distances on the same features, and with the real network."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nevoa.errors import NevoaError
from nevoa.evaluation.frechet import frechet_distance
from nevoa.evaluation.inception import inception_scores
from nevoa.evaluation.kernel_distance import kernel_distance
from tests.evaluation.vectors import vectors

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
    with pytest.raises(NevoaError, match="does not contain"):
        inception_scores(IMAGES, IMAGES, path)
    path.write_bytes(b"rubbish")
    with pytest.raises(NevoaError, match="does not contain"):
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
    with pytest.raises(NevoaError, match="does not contain"):
        inception_scores(IMAGES, IMAGES, path)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("package", ["torchmetrics", "torch_fidelity"])
def test_without_the_extra_the_user_is_told_of_it(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    images = np.zeros((4, 8, 8, 3), np.uint8)
    with pytest.raises(NevoaError, match=r"pip install 'nevoa\[metrics\]'"):
        inception_scores(images, images)


def test_without_a_network_the_user_is_told_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch_fidelity.feature_extractor_inceptionv3 as theirs

    def refused(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(theirs, "load_state_dict_from_url", refused)
    with pytest.raises(NevoaError, match="--inception-weights"):
        inception_scores(IMAGES, IMAGES)


class AsTheyAre(nn.Module):
    """A feature network for torchmetrics that reads the vector `table[i]` off an image whose first pixels spell i."""

    def __init__(self, table: np.ndarray):
        super().__init__()
        self.table, self.num_features = torch.from_numpy(table), table.shape[1]

    def forward(self, images: Tensor) -> Tensor:
        return self.table[images[:, 0, 0, 0].long() * 256 + images[:, 0, 0, 1].long()]


def spelled(indices: range) -> np.ndarray:
    """Images that AsTheyAre reads as rows `indices` of its table."""
    images = np.zeros((len(indices), 4, 4, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = divmod(np.array(indices), 256)
    return images


def test_frechet_distance_and_kernel_distance_equal_those_of_torchmetrics() -> None:
    a, b = vectors(300, 12), vectors(250, 12, seed=1, shift=0.5)
    table = AsTheyAre(np.concatenate([a, b]))
    scores = inception_scores(spelled(range(300)), spelled(range(300, 550)), network=table)
    assert scores["fid"] == pytest.approx(frechet_distance(a, b), rel=1e-6)
    # torchmetrics takes 100 draws of min(N, M) images of each set: all of b, but never all of a at once.
    assert scores["kid"] == pytest.approx(kernel_distance(a, b, np.random.default_rng(0)).distance, rel=0.05)
