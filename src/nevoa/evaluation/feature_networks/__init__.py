"""Where feature networks are: Fashion-MNIST's in this package, those that users train in the cache folder."""

from pathlib import Path

from nevoa.data import ImageSet, cache_folder
from nevoa.evaluation.feature_network import FeatureNetwork, load_feature_network
from nevoa.evaluation.random_features import random_network


def feature_network_folder(train: ImageSet) -> Path:
    """Where `nevoa features train` keeps the feature network of these images.

    Example:
        >>> feature_network_folder(load_images("shapes")).name[:7]
        'shapes-'
    """
    return cache_folder() / "judges" / f"{train.name}-{train.fingerprint:.16}"


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
