"""Feature networks, and distances between images as pure functions of their features."""

from nevoa.features.feature_network import (
    FeatureNetwork,
    FeatureNetworkInfo,
    load_feature_network,
    save_feature_network,
)
from nevoa.features.feature_training import EPOCHS, Epoch, train_feature_network
from nevoa.features.frechet import frechet_distance
from nevoa.features.kernel_distance import kernel_distance
from nevoa.features.known import feature_network_folder, feature_network_for, packaged_network
from nevoa.features.random_features import random_network

__all__ = [
    "EPOCHS",
    "Epoch",
    "FeatureNetwork",
    "FeatureNetworkInfo",
    "feature_network_folder",
    "feature_network_for",
    "frechet_distance",
    "kernel_distance",
    "load_feature_network",
    "packaged_network",
    "random_network",
    "save_feature_network",
    "train_feature_network",
]
