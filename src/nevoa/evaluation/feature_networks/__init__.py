"""Where feature networks are: the one of Fashion-MNIST in this package, those that users train in the cache folder."""

from importlib import resources
from pathlib import Path

from nevoa.data import ImageSet, cache_folder
from nevoa.errors import NevoaError
from nevoa.evaluation.feature_network import FeatureNetwork, load_feature_network


def feature_network_folder(train: ImageSet) -> Path:
    """Where the feature network that `nevoa features train` makes of these images is kept."""
    return cache_folder() / "judges" / f"{train.name}-{train.fingerprint:.16}"


def feature_network_for(train: ImageSet, command: str | None = None) -> FeatureNetwork:
    """The feature network trained on these very images. A NevoaError says how to get it if there is none.

    Args:
        command: that trains it, if more than the name is to be said.
    """
    with resources.as_file(resources.files(__name__) / train.name) as packaged:
        if (
            packaged.is_dir()
            and (feature_network := load_feature_network(packaged)).card.fingerprint == train.fingerprint
        ):
            return feature_network
    folder = feature_network_folder(train)
    if not folder.is_dir():
        _, height, width = train.shape
        command = command or f"nevoa features train {train.name}"
        raise NevoaError(f"There is no feature network of {train.name} at {height}x{width} yet: {command}")
    return load_feature_network(folder)
