"""Feature networks, and distances between images as pure functions of their features."""

from nevoa.features.feature_network import (
    FeatureNetwork,
    FeatureNetworkInfo,
    load_feature_network,
    save_feature_network,
)
from nevoa.features.feature_training import EPOCHS, Epoch, train_feature_network
from nevoa.features.known import feature_network_folder, feature_network_for
from nevoa.features.random_features import random_network

__all__ = [
    "EPOCHS",
    "Epoch",
    "FeatureNetwork",
    "FeatureNetworkInfo",
    "feature_network_folder",
    "feature_network_for",
    "load_feature_network",
    "random_network",
    "save_feature_network",
    "train_feature_network",
]
