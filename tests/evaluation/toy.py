"""A data set that is learned in an epoch, and its feature network."""

from dataclasses import replace

import numpy as np

from nevoa.data import ImageSet
from nevoa.evaluation import Reference
from nevoa.features import FeatureNetwork, train_feature_network


def bands(count: int, seed: int = 0) -> ImageSet:
    """Two classes that mirroring and small shifts leave alone: the upper or the lower half is bright."""
    rng = np.random.default_rng(seed)
    pixels, labels = rng.integers(0, 120, (count, 12, 12, 1), dtype=np.uint8), rng.integers(0, 2, count)
    pixels[labels == 0, :6] += 100
    pixels[labels == 1, 6:] += 100
    return ImageSet.of("bands", pixels, labels, ["upper", "lower"])


def toy_network(images: int = 400, epochs: int = 1) -> FeatureNetwork:
    """A feature network of that many bands."""
    *_, last = train_feature_network(bands(images), bands(100, seed=1), epochs)
    return last.feature_network


def toy_reference() -> Reference:
    """Bands to compare with bands."""
    train, test = bands(600), bands(400, seed=1)
    *_, last = train_feature_network(train, test, epochs=1)
    network = last.feature_network
    return Reference("bands", test, train, replace(network, info=replace(network.info, sha256="toy")))
