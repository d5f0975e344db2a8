"""The folders of feature networks: that of Fashion-MNIST is in this package, others are in the cache folder."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from nevoa.data import ImageSet, cache_folder
from nevoa.features.feature_network import FeatureNetwork, load_feature_network
from nevoa.features.random_features import random_network

# The data set whose feature network and features of test images (float16) come with nevoa.
PACKAGED = "fashion_mnist"
TEST_FEATURES = Path(__file__).parent / PACKAGED / "test-features.npy"


def packaged_network() -> tuple[FeatureNetwork, Float64[np.ndarray, "N D"]]:
    """The feature network that comes with nevoa, and its features of the test images.

    Example:
        >>> packaged_network()[1].shape
        (10000, 128)
    """
    return load_feature_network(TEST_FEATURES.parent), np.load(TEST_FEATURES).astype(np.float64)


def feature_network_folder(train: ImageSet) -> Path:
    """Return the folder in which `nevoa features train` keeps the feature network of these images.

    Example:
        >>> feature_network_folder(load_images("shapes")).name[:7]
        'shapes-'
    """
    return cache_folder() / "feature-networks" / f"{train.name}-{train.fingerprint:.16}"


def feature_network_for(train: ImageSet) -> FeatureNetwork:
    """The feature network that was trained on exactly these images; without one, that with random weights.

    Example:
        >>> feature_network_for(load_images("shapes", limit=100)).info.kind
        'random'
    """
    packaged = Path(__file__).parent / train.name
    if packaged.is_dir() and (network := load_feature_network(packaged)).info.fingerprint == train.fingerprint:
        return network
    folder = feature_network_folder(train)
    return load_feature_network(folder) if folder.is_dir() else random_network(train)
