"""Train the feature network that ships with the package: all 60,000 training images of Fashion-MNIST.

    python scripts/make_feature_network.py

Its scores change with its weights: a new feature network is a new version of the protocol. Then run
scripts/make_test_features.py, whose file is in the same folder.
"""

import shutil
from pathlib import Path

from nevoa.data import load_images
from nevoa.features import save_feature_network, train_feature_network

FOLDER = Path(__file__).parents[1] / "src/nevoa/features/fashion_mnist"


def main() -> None:
    *_, last = train_feature_network(load_images("fashion_mnist"), load_images("fashion_mnist", split="test"))
    shutil.rmtree(FOLDER, ignore_errors=True)
    print(save_feature_network(last.feature_network, FOLDER).info)


if __name__ == "__main__":
    main()
