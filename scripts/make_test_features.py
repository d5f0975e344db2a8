"""Make the features of Fashion-MNIST's test images that ship with the package, from Debian's package."""

import numpy as np

from nevoa.data import load_images
from nevoa.features.feature_network import load_feature_network
from nevoa.features.known import PACKAGED, TEST_FEATURES


def main() -> None:
    network = load_feature_network(TEST_FEATURES.parent)
    features = network.features(load_images(PACKAGED, split="test").images)
    np.save(TEST_FEATURES, features.astype(np.float16))


if __name__ == "__main__":
    main()
