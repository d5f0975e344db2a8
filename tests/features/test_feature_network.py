"""Feature networks: the packaged one, saving, loading, and damaged files."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nevoa.data import load_images
from nevoa.errors import NevoaError
from nevoa.features import (
    FeatureNetwork,
    FeatureNetworkInfo,
    feature_network_folder,
    feature_network_for,
    load_feature_network,
    save_feature_network,
)
from nevoa.features.feature_network import INFO, WEIGHTS
from nevoa.features.feature_training import accuracy
from tests.data.sources.test_builtin import needs_debian
from tests.evaluation.toy import bands, toy_network


@pytest.fixture(scope="module")
def feature_network() -> FeatureNetwork:
    return toy_network(epochs=2)


@needs_debian
@pytest.mark.slow
def test_the_feature_network_that_ships_is_as_accurate_as_it_says() -> None:
    ours = feature_network_for(load_images("fashion_mnist"))
    assert ours.info.accuracy >= 0.93
    assert accuracy(ours, load_images("fashion_mnist", split="test")) == pytest.approx(ours.info.accuracy, abs=2e-4)


def test_the_feature_network_that_ships_is_small() -> None:
    import nevoa.features.known as feature_networks

    weights = Path(feature_networks.__file__).parent / "fashion_mnist" / WEIGHTS
    assert weights.stat().st_size <= 2e6


def test_metrics_of_another_size_have_another_name() -> None:
    native = FeatureNetworkInfo("fashion_mnist", "", (1, 28, 28), ("a", "b"), 1, 1.0, "")
    assert native.short_name == "fashion"
    assert dataclasses.replace(native, shape=(1, 8, 8)).short_name == "fashion_8x8"
    assert dataclasses.replace(native, name="cifar10", shape=(3, 32, 32)).short_name == "cifar10"


@pytest.mark.slow
def test_features_and_probabilities_fit_the_network(feature_network: FeatureNetwork) -> None:
    images = bands(30)
    features = feature_network.features(images.images)
    from nevoa.data import to_unit

    with torch.no_grad():
        logits = feature_network.network.eval()(to_unit(images.images))
    np.testing.assert_allclose(feature_network.probabilities(features), logits.softmax(1).numpy(), atol=1e-5)


@pytest.mark.slow
def test_a_saved_feature_network_comes_back(feature_network: FeatureNetwork, tmp_path: Path) -> None:
    saved = save_feature_network(feature_network, tmp_path / "feature_network")
    loaded = load_feature_network(tmp_path / "feature_network")
    assert loaded.info == saved.info
    images = bands(30).images
    np.testing.assert_array_equal(loaded.features(images), feature_network.features(images))


@pytest.mark.parametrize("damage", ["flip", "cut", "no weights", "no info", "torn info", "other info"])
def test_a_corrupt_feature_network_is_named(feature_network: FeatureNetwork, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "feature_network"
    save_feature_network(feature_network, folder)
    weights, info = folder / WEIGHTS, folder / INFO
    data, values = bytearray(weights.read_bytes()), json.loads(info.read_text())
    if damage == "flip":
        data[len(data) // 2] ^= 1
        weights.write_bytes(data)
    elif damage == "cut":
        weights.write_bytes(data[:-100])
    elif damage == "no weights":
        weights.unlink()
    elif damage == "no info":
        info.unlink()
    elif damage == "torn info":
        info.write_text(info.read_text()[:50])
    else:
        info.write_text(json.dumps(values | {"classes": ["one", "two", "three"]}))
    with pytest.raises(NevoaError, match=f"feature network in {folder} is damaged"):
        load_feature_network(folder)


def test_a_feature_network_is_found_by_the_images_it_was_trained_on(
    feature_network: FeatureNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path))
    images = bands(400)
    assert feature_network_for(images).info.kind == "random"
    save_feature_network(feature_network, feature_network_folder(images))
    assert feature_network_for(images).info.fingerprint == images.fingerprint
    assert feature_network_for(dataclasses.replace(images, fingerprint="0" * 64)).info.kind == "random"
