"""Make the sheets of fashion_mnist_10k from Debian's package: the first 1,000 training images of each class."""

from pathlib import Path

import numpy as np
from PIL import Image

from nevoa.data.sources import builtin
from nevoa.data.sources.idx import read_idx

FOLDER = Path(__file__).parents[1] / "src/nevoa/data/sheets/fashion_mnist_10k"
PER_CLASS = 1000
COLUMNS = 40


def main() -> None:
    images = read_idx(builtin.DEBIAN_FOLDER / "train-images-idx3-ubyte.gz")
    labels = read_idx(builtin.DEBIAN_FOLDER / "train-labels-idx1-ubyte.gz")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for label in range(len(builtin.CLOTHES)):
        chosen = images[labels == label][:PER_CLASS]
        tiles = chosen.reshape(-1, COLUMNS, builtin.CLOTHES_SIDE, builtin.CLOTHES_SIDE).swapaxes(1, 2)
        sheet = Image.fromarray(np.ascontiguousarray(tiles.reshape(-1, COLUMNS * builtin.CLOTHES_SIDE)))
        sheet.save(FOLDER / builtin.sheet_name(label), optimize=True)


if __name__ == "__main__":
    main()
