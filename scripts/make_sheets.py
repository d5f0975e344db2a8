"""Make the sheets of fashion_mnist_10k from Debian's package: the first 1,000 training images of each class."""

from pathlib import Path

import numpy as np
from PIL import Image

from nevoa.data.sources import fashion_mnist as fm

FOLDER = Path(__file__).parents[1] / "src/nevoa/data/sheets/fashion_mnist_10k"
PER_CLASS = 1000


def main() -> None:
    images = fm.read_idx(fm.DEBIAN_FOLDER / "train-images-idx3-ubyte.gz")
    labels = fm.read_idx(fm.DEBIAN_FOLDER / "train-labels-idx1-ubyte.gz")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for label in range(len(fm.CLASSES)):
        chosen = images[labels == label][:PER_CLASS]
        tiles = chosen.reshape(-1, fm.SHEET_COLUMNS, fm.SIDE, fm.SIDE).swapaxes(1, 2)
        sheet = Image.fromarray(np.ascontiguousarray(tiles.reshape(-1, fm.SHEET_COLUMNS * fm.SIDE)))
        sheet.save(FOLDER / fm.sheet_name(label), optimize=True)


if __name__ == "__main__":
    main()
