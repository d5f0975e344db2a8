"""Training a feature network."""

import numpy as np
import pytest
import torch

from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.evaluation import train_feature_network
from nevoa.evaluation.feature_training import accuracy, varied
from tests.evaluation.toy import bands, toy_network


def test_a_feature_network_learns_and_is_measured_on_images_it_was_not_trained_on() -> None:
    feature_network = toy_network(epochs=2)
    assert feature_network.info.accuracy > 0.95
    assert feature_network.info.accuracy == accuracy(feature_network, bands(100, seed=1))


def test_without_test_images_a_tenth_is_held_out() -> None:
    *_, last = train_feature_network(bands(400), None, epochs=1)
    assert last.feature_network.info.images == 360
    assert last.feature_network.info.measured_on == "40 images not trained on"


def test_training_is_a_function_of_the_images() -> None:
    first, second = [list(train_feature_network(bands(200), None, epochs=1))[-1].feature_network for _ in range(2)]
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name


def test_one_class_is_refused() -> None:
    only = ImageSet.of("one", np.zeros((200, 8, 8, 1), np.uint8), np.zeros(200, np.int64), ["one"])
    with pytest.raises(NevoaError, match="two or more classes; one has 1"):
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
