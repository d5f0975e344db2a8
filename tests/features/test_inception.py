"""Inception metrics: equal to our own distances on the same features, and with the real network."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchmetrics.image.fid import NoTrainInceptionV3

from nevoa._util.files import sha256
from nevoa.errors import NevoaError
from nevoa.features.frechet import frechet_distance
from nevoa.features.inception import inception_features, inception_network, inception_scores, inception_warnings
from nevoa.features.kernel_distance import kernel_distance
from tests.evaluation.vectors import vectors

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 1), dtype=np.uint8)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of Inception weights as they are before training: the architecture is real, the numbers are not."""
    torch.manual_seed(0)
    path = tmp_path / "inception.pth"
    path.touch()
    with monkeypatch.context() as patched:
        patched.setattr(torch, "load", lambda *_, **__: {})
        patched.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], str(path))
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.slow
def test_weights_come_from_a_file_and_images_are_resized_as_by_tensorflow(weights: Path) -> None:
    """The reference is torchmetrics with the resizing of TensorFlow 1, which is not its default."""
    device, network = inception_network(weights)
    features = inception_features(IMAGES, network, device)
    gray = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).repeat(1, 3, 1, 1)
    theirs, by_default = (
        NoTrainInceptionV3("inception-v3-compat", ["2048"], str(weights), antialias=antialias)(gray)
        for antialias in (False, True)
    )
    assert (features - theirs).norm() < 1e-5 * theirs.norm()
    assert (features - by_default).norm() > 1e-2 * theirs.norm()


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match="There is no file"):
        inception_scores(IMAGES, IMAGES, IMAGES, tmp_path / "nowhere.pth")


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"a": torch.zeros(2)}, path)
    with pytest.raises(NevoaError, match="does not contain"):
        inception_scores(IMAGES, IMAGES, IMAGES, path)
    path.write_bytes(b"rubbish")
    with pytest.raises(NevoaError, match="does not contain"):
        inception_scores(IMAGES, IMAGES, IMAGES, path)


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
        inception_scores(IMAGES, IMAGES, IMAGES, path)
    assert not (tmp_path / "touched").exists()


def test_without_the_extra_the_user_is_told_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(NevoaError, match=r"pip install 'nevoa\[metrics\]'"):
        inception_scores(IMAGES, IMAGES, IMAGES)


@pytest.mark.parametrize(
    "error", [OSError("no route to host"), RuntimeError('invalid hash value (expected "6726825d")')]
)
def test_weights_that_cannot_be_downloaded_or_are_others_are_refused(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, hash_prefix: str, **__: object) -> None:
        assert hash_prefix == "6726825d"
        raise error

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refused)
    with pytest.raises(
        NevoaError, match=r"cannot be downloaded \(.*weights-inception-2015-12-05-6726825d.pth elsewhere"
    ):
        inception_scores(IMAGES, IMAGES, IMAGES)


@pytest.mark.slow
def test_downloaded_weights_are_kept_where_torch_fidelity_looks(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda _, path, **__: weights.rename(path))
    inception_network(None)
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("downloaded twice"))
    inception_network(None)
    FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])  # downloads nothing


def test_scores_that_cannot_be_compared_with_published_ones_say_so(weights: Path) -> None:
    few, others = inception_warnings(2048, weights)
    assert "published ones are of 50,000 or 10,000, not of 2,048, and 2,048 features need more" in few
    assert f"sha256 of the Inception weights is {sha256(weights):.8}" in others
    assert not list(inception_warnings(10_000, None))


class AsTheyAre(nn.Module):
    """A network that reads the vector `table[i]` off an image whose first pixels spell i."""

    def __init__(self, table: np.ndarray):
        super().__init__()
        self.table = torch.from_numpy(table)

    def forward(self, images: Tensor) -> Tensor:
        return self.table[images[:, 0, 0, 0].long() * 256 + images[:, 0, 0, 1].long()]


def spelled(indices: range) -> np.ndarray:
    """Images that AsTheyAre reads as rows `indices` of its table."""
    images = np.zeros((len(indices), 4, 4, 1), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = divmod(np.array(indices), 256)
    return images


@pytest.mark.slow
def test_scores_equal_our_own_distances_of_the_same_features() -> None:
    a, b, c = vectors(300, 12), vectors(250, 12, seed=1, shift=0.5), vectors(280, 12, seed=2, shift=0.2)
    table = AsTheyAre(np.concatenate([a, b, c]))
    images, test, training = spelled(range(300)), spelled(range(300, 550)), spelled(range(550, 830))
    scores = inception_scores(images, test, training, network=table)
    assert scores["fid"] == pytest.approx(frechet_distance(a, b), rel=1e-6)
    assert scores["fid_train"] == pytest.approx(frechet_distance(a, c), rel=1e-6)
    # torch-fidelity takes 100 draws of min(N, M) images of each set: all of b, but never all of a at once.
    assert scores["kid"] == pytest.approx(kernel_distance(a, b), rel=0.05)


def test_gray_images_score_as_the_same_images_in_three_channels() -> None:
    table = AsTheyAre(vectors(120, 6))
    gray = [spelled(part) for part in (range(40), range(40, 80), range(80, 120))]
    assert {image.shape[3] for image in gray} == {1}
    colour = [np.repeat(images, 3, axis=3) for images in gray]
    one, three = (inception_scores(new, test, training, network=table) for new, test, training in (gray, colour))
    assert one == three
