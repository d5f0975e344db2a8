"""Where feature networks are: Fashion-MNIST's in this package, those that users train in the cache folder."""

import shlex
from pathlib import Path

from nevoa.data import ImageSet, cache_folder
from nevoa.errors import NevoaError
from nevoa.evaluation.feature_network import FeatureNetwork, load_feature_network


def feature_network_folder(train: ImageSet) -> Path:
    """Where `nevoa features train` keeps the feature network of these images.

    Example:
        >>> feature_network_folder(load_images("shapes")).name[:7]
        'shapes-'
    """
    return cache_folder() / "judges" / f"{train.name}-{train.fingerprint:.16}"


def feature_network_for(train: ImageSet, command: str | None = None) -> FeatureNetwork:
    """The feature network that was trained on exactly these images.

    A NevoaError if there is none; it names the command that trains it.

    Args:
        command: the command to name; None names it without options.

    Example:
        >>> feature_network = feature_network_for(load_images("fashion_mnist"))
    """
    packaged = Path(__file__).parent / train.name
    if packaged.is_dir() and (network := load_feature_network(packaged)).info.fingerprint == train.fingerprint:
        return network
    folder = feature_network_folder(train)
    if not folder.is_dir():
        _, height, width = train.shape
        command = command or f"nevoa features train {shlex.quote(train.name)}"
        raise NevoaError(f"There is no feature network of {train.name} at {height}x{width} yet. Train it: {command}")
    return load_feature_network(folder)
