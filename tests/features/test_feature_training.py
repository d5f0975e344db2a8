"""Training a feature network."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from nevoa._util.random import generator
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.features import (
    FeatureNetwork,
    feature_training,
    load_feature_network,
    save_feature_network,
    train_feature_network,
)
from nevoa.features.feature_training import accuracy, default_epochs, turned, varied
from tests.evaluation.toy import bands, toy_network


@pytest.mark.slow
def test_a_feature_network_learns_and_is_measured_on_images_it_was_not_trained_on() -> None:
    feature_network = toy_network(epochs=2)
    assert feature_network.info.accuracy > 0.95
    assert feature_network.info.accuracy == accuracy(feature_network, bands(100, seed=1))


def test_one_image_is_too_few() -> None:
    with pytest.raises(NevoaError, match="takes two or more images"):
        next(train_feature_network(bands(1), None, epochs=1))


def test_one_class_teaches_nothing_and_rotations_are_learned() -> None:
    images = bands(40)
    alone = replace(images, classes=("band",), labels=np.zeros(40, np.int64))
    info = next(train_feature_network(alone, None, epochs=1)).feature_network.info
    assert info.kind == "rotation" and info.accuracy < 1
    assert default_epochs(alone) == default_epochs(replace(alone, classes=(), labels=alone.labels)) > 16


def test_without_test_images_a_tenth_is_held_out() -> None:
    *_, last = train_feature_network(bands(400), None, epochs=1)
    assert last.feature_network.info.images == 360
    assert last.feature_network.info.measured_on == "40 images not trained on"


def test_the_images_held_out_do_not_follow_from_the_order_of_the_first_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(*position: int) -> np.random.Generator:
        positions.append(position)
        return generator(*position)  # pyright: ignore[reportArgumentType]

    positions = list[tuple[int, ...]]()
    monkeypatch.setattr(feature_training, "generator", drawn)
    list(train_feature_network(bands(20), None, epochs=2))
    states = [np.random.SeedSequence(position).generate_state(4).tolist() for position in positions]
    assert len(states) == 3
    assert all(states.count(state) == 1 for state in states)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_whoever_sees_no_rotation_is_right_of_one_in_four(count: int) -> None:
    """However few images there are: each is seen in all rotations."""
    blind = Mock(spec=FeatureNetwork, info=Mock(kind="rotation"), features=lambda x: x)
    blind.probabilities = lambda x: np.eye(4)[np.zeros(len(x), int)]
    assert accuracy(blind, bands(count)) == 0.25


@pytest.mark.parametrize("steps", range(1, 13))
def test_any_number_of_steps_has_a_learning_rate(steps: int) -> None:
    """Of ten, the first tenth is one step, and torch divides by what comes after its first."""
    *_, last = train_feature_network(bands(20), bands(10, seed=1), epochs=steps)
    assert last.epoch == steps


def test_training_is_a_function_of_the_images() -> None:
    first, second = [list(train_feature_network(bands(200), None, epochs=1))[-1].feature_network for _ in range(2)]
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name


@pytest.mark.slow
def test_without_classes_it_learns_which_way_is_up(tmp_path: Path) -> None:
    """The bright half of an image tells by how many quarters it was turned, but for which half it is."""
    up = bands(800)
    one_way = ImageSet.of("up", up.images[up.labels == 0], np.zeros((up.labels == 0).sum()), ())
    *_, last = train_feature_network(one_way, None, epochs=4)
    info = last.feature_network.info
    assert (info.kind, info.short_name, info.outputs) == ("rotation", "rotation", 4)
    assert info.accuracy > 0.9
    saved = save_feature_network(last.feature_network, tmp_path / "network")
    again = load_feature_network(tmp_path / "network")
    assert again.info == saved.info
    np.testing.assert_array_equal(again.features(one_way.images[:9]), last.feature_network.features(one_way.images[:9]))


def test_what_looks_the_same_from_all_sides_teaches_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 8, 8, 1), dtype=np.uint8)
    *_, last = train_feature_network(ImageSet.of("noise", noise, np.zeros(600), ()), None, epochs=2)
    assert last.feature_network.info.accuracy == pytest.approx(0.25, abs=0.2)


def test_images_are_turned_about_their_middle() -> None:
    x = torch.arange(8 * 4 * 6).view(8, 1, 4, 6)
    found, quarters = turned(x)
    assert quarters.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    for image, original, count in zip(found, x[..., 1:5], quarters.tolist(), strict=True):
        np.testing.assert_array_equal(image[0], np.rot90(original[0], count))


@pytest.mark.parametrize(("count", "epochs"), [(64_000, 1), (1_000, 64), (200_000, 1)])
def test_without_classes_it_sees_64_000_images(count: int, epochs: int) -> None:
    images = ImageSet("many", np.empty((count, 1, 1, 1), np.uint8), np.empty(count, np.int64), (), "")
    assert default_epochs(images) == epochs


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
