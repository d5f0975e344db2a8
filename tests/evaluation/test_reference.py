"""The reference of a run on a folder of images."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.config import DataConfig
from nevoa.errors import NevoaError
from nevoa.evaluation import Reference, feature_networks
from nevoa.evaluation.feature_network import load_feature_network

NETWORKS = Path(feature_networks.__file__).parent


@pytest.fixture
def split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataConfig:
    """A folder with pictures for training and for testing, of three classes."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for number in range(24):
        place = tmp_path / "my pets" / ("train", "test")[number % 2] / "abc"[number % 3] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(place)
    return DataConfig(source=str(tmp_path / "my pets"), only=("a", "c"), limit=3, size=(8, 12))


def test_without_a_trained_feature_network_the_command_that_trains_it_is_named(split: DataConfig) -> None:
    reference = Reference.of(split)
    assert reference.feature_network.info.kind == "random"
    with pytest.raises(NevoaError, match=r"Train it: nevoa features train '.*my pets' --size 8x12 --c"):
        _ = reference.classifier


def test_the_command_has_the_options_of_the_run(split: DataConfig) -> None:
    """A class may have a comma in its name."""
    (Path(split.source) / "train" / "a").rename(Path(split.source) / "train" / "tench, Tinca")
    (Path(split.source) / "test" / "a").rename(Path(split.source) / "test" / "tench, Tinca")
    padded = split.model_copy(update={"fit": "pad", "only": ("tench, Tinca", "c")})
    assert """--fit pad --classes '"tench, Tinca",c'""" in Reference.of(padded).advice


def test_without_a_test_split_there_are_still_training_images(split: DataConfig) -> None:
    shutil.rmtree(Path(split.source) / "test")
    reference = Reference.of(split)
    assert len(reference.train) == 8
    with pytest.raises(
        NevoaError, match=r"Test images, which are not trained on, are needed\. There is no split 'test'"
    ):
        _ = reference.test


def test_all_images_of_the_chosen_classes_are_the_reference(split: DataConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few the run was trained on."""
    feature_network = load_feature_network(NETWORKS / "fashion_mnist")
    monkeypatch.setattr("nevoa.evaluation.reference.feature_network_for", lambda *_: feature_network)
    reference = Reference.of(split)
    assert (len(reference.train), len(reference.test)) == (8, 8)
    assert reference.train.classes == reference.test.classes == ("a", "c")
    assert reference.source == "my pets"
