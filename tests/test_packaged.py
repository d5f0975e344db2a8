"""The packaged model is small, and as good as its card says."""

import re

import pytest
import torch

import nevoa
from nevoa.config import DataConfig
from nevoa.evaluation import Reference
from nevoa.features.frechet import frechet_distance
from nevoa.runs import PACKAGED, Run

pytestmark = pytest.mark.slow

COUNT = 512


def test_it_is_small_and_makes_images_of_a_class() -> None:
    model = nevoa.load()
    assert Run(PACKAGED).weights_file.stat().st_size < 8_000_000
    assert next(model.network.parameters()).dtype == torch.float32
    # With channels-last weights, images take three fifths of the time.
    weights = [weight for weight in model.network.parameters() if weight.ndim == 4]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
    assert model.sample(20, labels=[8]).shape == (20, 28, 28, 1)
    assert model.classes[8] == "Bag"


def test_its_images_score_what_its_card_states() -> None:
    card = Run(PACKAGED).card_file.read_text(encoding="utf-8")
    stated = re.search(rf"([\d.]+) for the first {COUNT} images", card)
    assert stated
    reference = Reference.of(DataConfig(source="fashion_mnist"))
    features = reference.feature_network.features(nevoa.load().sample(COUNT))
    assert frechet_distance(features, reference.features()) == pytest.approx(float(stated[1]), rel=0.02)
