"""Features of a network that needs neither training nor labels."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nevoa.data import ImageSet, to_unit
from nevoa.errors import NevoaError
from nevoa.evaluation import Protocol, Reference, Report, Samples, as_dict, measure
from nevoa.features import random_network
from nevoa.features.frechet import frechet_distance
from tests.evaluation.toy import bands


@pytest.fixture(scope="module")
def unlabelled(reference: Reference) -> Reference:
    """Bands whose classes nobody knows."""
    sets = reference.train, reference.test
    train, test = (ImageSet.of("bands", images.images, np.zeros(len(images)), ()) for images in sets)
    return dataclasses.replace(reference, train=train, found_test=test, feature_network=random_network(train))


def test_the_network_depends_on_its_images_alone(reference: Reference) -> None:
    first = random_network(reference.train)
    torch.manual_seed(1)
    again, other = random_network(reference.train), random_network(bands(600, seed=9))
    images = bands(20).images
    np.testing.assert_array_equal(first.features(images), again.features(images))
    assert dataclasses.replace(first.info, accuracy=0) == dataclasses.replace(again.info, accuracy=0)
    assert first.info.sha256 != other.info.sha256
    weights = [dict(each.network.named_parameters()) for each in (first, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0] if "head" not in name)


def test_a_normalized_layer_has_mean_0_and_variance_1_on_the_images(reference: Reference) -> None:
    network = random_network(reference.train).network
    stem = network.body[0]
    values = stem(to_unit(reference.train.images))  # pyright: ignore[reportCallIssue]
    assert values.mean((0, 2, 3)).abs().max() < 0.02
    assert (values.var((0, 2, 3)) - 1).abs().max() < 0.02


@pytest.mark.slow
def test_a_worse_set_is_further_away(unlabelled: Reference) -> None:
    """Distances rise with blur, with noise, with the share of a missing class, and the fewer images are repeated."""
    network, real = unlabelled.feature_network, unlabelled.features()
    new, rng = bands(600, seed=3), np.random.default_rng(0)

    def distance(images: np.ndarray) -> float:
        return frechet_distance(network.features(images), real)

    def noisy(spread: float) -> np.ndarray:
        return (new.images + rng.normal(0, spread, new.images.shape)).round().clip(0, 255).astype(np.uint8)

    def blurred(side: int) -> np.ndarray:
        smooth = F.avg_pool2d(torch.from_numpy(new.images).float().permute(0, 3, 1, 2), side, 1, side // 2)
        return smooth.permute(0, 2, 3, 1).to(torch.uint8).numpy()

    def without_first_class(share: float) -> np.ndarray:
        first, second = (np.flatnonzero(new.labels == label) for label in (0, 1))
        return new.images[np.concatenate([first[: int((1 - share) * len(first))], second])]

    graded = [
        [noisy(spread) for spread in (20, 40, 80)],
        [blurred(side) for side in (3, 5, 7)],
        [without_first_class(share) for share in (0.2, 0.5, 1.0)],
        [new.images[rng.integers(0, count, 600)] for count in (100, 20, 5)],
    ]
    for row in graded:
        distances = [distance(new.images), *map(distance, row)]
        assert distances == sorted(distances), distances


@pytest.mark.slow
def test_the_report_names_the_features(reference: Reference, unlabelled: Reference) -> None:
    images = bands(150, seed=2).images
    protocol = Protocol(unlabelled, 150)
    *_, report = measure(Samples("these", images), protocol)
    assert isinstance(report, Report)
    assert {"fd_random", "kd_random", "precision", "recall", "near_copies"} <= report.scores.keys()
    assert "confidence" not in report.scores
    assert protocol.name == f"nevoa-images-{unlabelled.digest:.8}/1"
    told = json.loads(json.dumps(as_dict(report), allow_nan=False))["protocol"]["feature_network"]
    assert (told["kind"], told["accuracy"]) == ("random", None)
    with pytest.raises(NevoaError, match=r"Cannot measure classes\. .* bands has no classes"):
        list(measure(Samples("these", images), protocol, ["classes"]))
    advised = dataclasses.replace(unlabelled, train=reference.train, advice="nevoa features train bands")
    with pytest.raises(NevoaError, match="Train it: nevoa features train bands"):
        _ = advised.classifier
