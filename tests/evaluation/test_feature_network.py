"""Feature networks: the one that ships, training one, and what happens when its files are not what they were."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nevoa.data import ImageSet, load_images
from nevoa.errors import NevoaError
from nevoa.evaluation import (
    FeatureNetwork,
    FeatureNetworkInfo,
    feature_network_folder,
    feature_network_for,
    load_feature_network,
    save_feature_network,
    train_feature_network,
)
from nevoa.evaluation.feature_network import CARD, WEIGHTS
from nevoa.evaluation.feature_training import accuracy, varied
from tests.data.sources.test_builtin import needs_debian


def bands(count: int, seed: int = 0) -> ImageSet:
    """Two classes that mirroring and small shifts leave alone: the upper or the lower half is bright."""
    rng = np.random.default_rng(seed)
    pixels, labels = rng.integers(0, 120, (count, 12, 12, 1), dtype=np.uint8), rng.integers(0, 2, count)
    pixels[labels == 0, :6] += 100
    pixels[labels == 1, 6:] += 100
    return ImageSet.of("bands", pixels, labels, ["upper", "lower"])


@pytest.fixture(scope="module")
def feature_network() -> FeatureNetwork:
    *_, last = train_feature_network(bands(400), bands(100, seed=1), epochs=2)
    return last.feature_network


@needs_debian
@pytest.mark.slow
def test_the_feature_network_that_ships_is_as_good_as_its_card_says() -> None:
    ours = feature_network_for(load_images("fashion_mnist"))
    assert ours.card.accuracy >= 0.93
    assert accuracy(ours, load_images("fashion_mnist", split="test")) == pytest.approx(ours.card.accuracy, abs=2e-4)


def test_the_feature_network_that_ships_is_small() -> None:
    import nevoa.evaluation.feature_networks as feature_networks

    weights = Path(feature_networks.__file__).parent / "fashion_mnist" / WEIGHTS
    assert weights.stat().st_size <= 2e6


def test_a_feature_network_learns_and_is_measured_on_images_it_was_not_trained_on(
    feature_network: FeatureNetwork,
) -> None:
    assert feature_network.card.accuracy > 0.95
    assert feature_network.card.accuracy == accuracy(feature_network, bands(100, seed=1))


def test_without_test_images_a_tenth_is_held_out() -> None:
    *_, last = train_feature_network(bands(400), None, epochs=1)
    assert last.feature_network.card.images == 360
    assert last.feature_network.card.measured_on == "40 images not trained on"


def test_training_is_a_function_of_the_images() -> None:
    first, second = [list(train_feature_network(bands(200), None, epochs=1))[-1].feature_network for _ in range(2)]
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name


def test_metrics_of_another_size_have_another_name() -> None:
    native = FeatureNetworkInfo("fashion_mnist", "", (1, 28, 28), ("a", "b"), 1, 1.0, "")
    assert native.short_name == "fashion"
    assert dataclasses.replace(native, shape=(1, 8, 8)).short_name == "fashion_8x8"
    assert dataclasses.replace(native, name="cifar10", shape=(3, 32, 32)).short_name == "cifar10"


def test_one_class_is_refused() -> None:
    only = ImageSet.of("one", np.zeros((200, 8, 8, 1), np.uint8), np.zeros(200, np.int64), ["one"])
    with pytest.raises(NevoaError, match="tell classes apart"):
        next(train_feature_network(only, None))


def test_variation_shifts_and_mirrors_whole_images() -> None:
    x = torch.rand(64, 2, 7, 9)
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="replicate")
    crops = [padded[..., i : i + 7, j : j + 9] for i in range(5) for j in range(5)]
    possible = torch.stack([*crops, *[crop.flip(3) for crop in crops]])
    made = varied(x, np.random.default_rng(0))
    found = (possible == made).all((2, 3, 4))
    assert found.any(0).all()
    drawn = set(found.int().argmax(0).tolist())
    assert len(drawn & set(range(25))) > 10
    assert len(drawn & set(range(25, 50))) > 10


def test_features_and_probabilities_fit_the_network(feature_network: FeatureNetwork) -> None:
    images = bands(30)
    features = feature_network.features(images.images)
    from nevoa.data import to_unit

    with torch.no_grad():
        logits = feature_network.network.eval()(to_unit(images.images))
    np.testing.assert_allclose(feature_network.probabilities(features), logits.softmax(1).numpy(), atol=1e-5)


def test_a_saved_feature_network_comes_back(feature_network: FeatureNetwork, tmp_path: Path) -> None:
    saved = save_feature_network(feature_network, tmp_path / "feature_network")
    loaded = load_feature_network(tmp_path / "feature_network")
    assert loaded.card == saved.card
    images = bands(30).images
    np.testing.assert_array_equal(loaded.features(images), feature_network.features(images))


@pytest.mark.parametrize("damage", ["flip", "cut", "no weights", "no card", "torn card", "other card"])
def test_a_corrupt_feature_network_is_named(feature_network: FeatureNetwork, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "feature_network"
    save_feature_network(feature_network, folder)
    weights, card = folder / WEIGHTS, folder / CARD
    data, values = bytearray(weights.read_bytes()), json.loads(card.read_text())
    if damage == "flip":
        data[len(data) // 2] ^= 1
        weights.write_bytes(data)
    elif damage == "cut":
        weights.write_bytes(data[:-100])
    elif damage == "no weights":
        weights.unlink()
    elif damage == "no card":
        card.unlink()
    elif damage == "torn card":
        card.write_text(card.read_text()[:50])
    else:
        card.write_text(json.dumps(values | {"classes": ["one", "two", "three"]}))
    with pytest.raises(NevoaError, match=f"feature network in {folder} is damaged"):
        load_feature_network(folder)


def test_a_feature_network_is_found_by_the_images_it_was_trained_on(feature_network: FeatureNetwork) -> None:
    images = bands(400)
    with pytest.raises(NevoaError, match="no feature network of bands at 12x12 yet: nevoa features train bands"):
        feature_network_for(images)
    save_feature_network(feature_network, feature_network_folder(images))
    assert feature_network_for(images).card.fingerprint == images.fingerprint
    with pytest.raises(NevoaError, match="no feature network of bands"):
        feature_network_for(dataclasses.replace(images, fingerprint="0" * 64))
