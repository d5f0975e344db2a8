"""The reference of a run on a folder of images."""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nevoa
from nevoa.config import DataConfig
from nevoa.data import load_images
from nevoa.data.sources import builtin
from nevoa.errors import NevoaError
from nevoa.evaluation import Protocol, Reference, Report, Samples, measure
from nevoa.evaluation import reference as references
from nevoa.features import known
from nevoa.features.feature_network import load_feature_network
from nevoa.features.known import packaged_network
from tests.data.sources.test_builtin import needs_debian

NETWORKS = Path(known.__file__).parent


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
    with pytest.raises(NevoaError, match=r"not trained on are missing\. There is no split 'test'"):
        _ = reference.test


def test_all_images_of_the_chosen_classes_are_the_reference(split: DataConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few the run was trained on."""
    feature_network = load_feature_network(NETWORKS / "fashion_mnist")
    monkeypatch.setattr(references, "feature_network_for", lambda *_: feature_network)
    reference = Reference.of(split)
    assert (len(reference.train), len(reference.test)) == (8, 8)
    assert reference.train.classes == reference.test.classes == ("a", "c")
    assert reference.source == "my pets"


def test_attributes_are_those_of_the_images_that_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four are held out, and two of them choose the model."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    rng, place = np.random.default_rng(0), tmp_path / "things"
    place.mkdir()
    lines = ["file_name,text,attributes"]
    for number in range(12):
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(place / f"{number}.png")
        lines.append("{0}.png,a {1} thing,{1}".format(number, ("blue", "red")[number % 2]))
    (place / "metadata.csv").write_text("\n".join(lines))
    reference = Reference.of(DataConfig(source=str(place), holdout=4))
    train, test = reference.attributes
    assert (len(train.images), len(test.images), len(reference.test)) == (8, 2, 2)
    np.testing.assert_array_equal(test.images.images, reference.test.images)
    for some in (train, test):
        assert some.codes[:, 0].tolist() == ["red" in captions[0] for captions in some.images.captions]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Debian's package, the library `datasets` and cached images."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(builtin, "DEBIAN_FOLDER", tmp_path / "not installed")
    monkeypatch.setitem(sys.modules, "datasets", None)


@pytest.mark.slow
def test_without_the_full_data_set_runs_are_compared_with_the_features_that_come_with_nevoa(elsewhere: None) -> None:
    reference = Reference.of(DataConfig(source="fashion_mnist_10k", limit=100))
    assert (reference.source, reference.test_count, len(reference.train)) == ("fashion_mnist", 10_000, 10_000)
    assert reference.feature_network.info.kind == "classes"
    protocol = Protocol(reference, 10_000)
    assert protocol.name.startswith("nevoa-fashion-")
    assert protocol.as_dict()["reference"] == "fashion_mnist, features of the test split, 10,000 images"
    assert protocol.as_dict()["floor"] == "all 10,000 training images"
    with pytest.raises(
        NevoaError, match=r"Only their features come .*'nevoa\[hub\]'.*apt install dataset-fashion-mnist"
    ):
        _ = reference.test


@pytest.mark.slow
@pytest.mark.parametrize("other", [{"only": ("Bag", "Dress")}, {"size": (32, 32)}], ids=str)
def test_other_classes_or_sizes_need_the_full_data_set(other: dict[str, Any], elsewhere: None) -> None:
    with pytest.raises(NevoaError, match=r"'nevoa\[hub\]'. Or, on Debian: apt install dataset-fashion-mnist"):
        Reference.of(DataConfig(source="fashion_mnist_10k", **other))


@needs_debian
@pytest.mark.slow
def test_the_features_that_come_with_nevoa_are_those_of_the_test_images() -> None:
    network, features = packaged_network()
    found = network.features(load_images("fashion_mnist", split="test").images)
    np.testing.assert_allclose(features, found, rtol=1e-3, atol=1e-4)


@needs_debian
@pytest.mark.slow
def test_scores_are_those_with_the_full_data_set(request: pytest.FixtureRequest) -> None:
    full, images = Reference.of(DataConfig(source="fashion_mnist")), nevoa.load().sample(500)

    def scores(reference: Reference) -> dict[str, float]:
        *_, report = measure(Samples("these", images), Protocol(reference, 500), ("frechet", "kernel", "manifold"))
        assert isinstance(report, Report)
        return report.scores

    expected = scores(full)
    request.getfixturevalue("elsewhere")
    assert scores(Reference.of(DataConfig(source="fashion_mnist"))) == pytest.approx(expected, rel=1e-3)
