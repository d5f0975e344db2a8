"""A feature network that needs no training and no labels: fixed random weights (Naeem et al. 2020)."""

import hashlib
import math

import numpy as np
import torch
from torch import nn

from nevoa._util.random import Stream, generator
from nevoa.data import ImageSet, to_unit
from nevoa.features.classifier import Classifier
from nevoa.features.feature_network import FeatureNetwork, FeatureNetworkInfo, images_at_once

VERSION = 1
# Images whose statistics normalize each layer.
CALIBRATED_ON = 2_560


def random_network(train: ImageSet, seed: int = VERSION) -> FeatureNetwork:
    """Return the network with random weights whose batch normalization knows the statistics of these images.

    The weights are always the same. Without the statistics, distances rank what is missing less well:
    docs/experiments.md compares both.

    Args:
        seed: of the weights; scores use the default.

    Example:
        >>> random_network(load_images("shapes", limit=100)).info.kind
        'random'
    """
    network = Classifier(train.shape[0], 1)
    _fill(network, seed)
    rng = generator(seed, Stream.FEATURE_NETWORK, 1)
    chosen = np.sort(rng.permutation(len(train))[:CALIBRATED_ON])
    _calibrate(network, train, chosen)
    identity = hashlib.sha256(f"random {seed} {train.fingerprint}".encode()).hexdigest()
    about = train.name, train.fingerprint, train.shape, (), len(chosen), math.nan, "no images"
    info = FeatureNetworkInfo(*about, identity, "random")
    return FeatureNetwork(network.eval(), info)


@torch.no_grad()
def _fill(network: Classifier, seed: int) -> None:
    """Draw the weights of convolutions (He et al. 2015); numpy, because torch's generators may change."""
    rng = generator(seed, Stream.FEATURE_NETWORK, 0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            scale = (2 / module.weight[0].numel()) ** 0.5
            module.weight.copy_(torch.from_numpy(scale * rng.standard_normal(module.weight.shape)))


@torch.no_grad()
def _calibrate(network: Classifier, images: ImageSet, chosen: np.ndarray) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # an average over all batches
    network.train()
    size = images_at_once(images.shape)
    for first in range(0, len(chosen), size):
        network.features(to_unit(images.images[chosen[first : first + size]]))
