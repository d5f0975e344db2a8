"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017) from the three places it can come from."""

import gzip
import math
from importlib import resources
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from nevoa.data import hub
from nevoa.data.decode import pixels_of, read_image
from nevoa.data.store import ImageSet, Split
from nevoa.errors import NevoaError

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
HUB_ID = "zalando-datasets/fashion_mnist"
INSTEAD = "'apt install dataset-fashion-mnist', or train on fashion_mnist_10k, which is built in"
SIDE = 28
SHEET_COLUMNS = 40


def sheet_name(label: int) -> str:
    """File name of a class's sheet of embedded images."""
    return f"{label}-{CLASSES[label].lower().replace('/', '-').replace(' ', '-')}.png"


def embedded(split: Split) -> ImageSet:
    """The first 1,000 training images of each class, from the PNG sheets in this package."""
    if split != "train":
        raise NevoaError("fashion_mnist_10k is cut from the training images and has no test split; fashion_mnist has.")
    folder = resources.files("nevoa.data") / "sheets" / "fashion_mnist_10k"
    tiles = []
    for label in range(len(CLASSES)):
        with resources.as_file(folder / sheet_name(label)) as path:
            tiles.append(cut_sheet(path))
    labels = np.repeat(np.arange(len(CLASSES)), [len(part) for part in tiles])
    return ImageSet.of("fashion_mnist_10k", np.concatenate(tiles), labels, CLASSES)


def complete(split: Split) -> ImageSet:
    """All 60,000 or 10,000 images: from Debian's package where it is installed, else from the Hugging Face Hub."""
    images, labels = _from_debian(split) if DEBIAN_FOLDER.is_dir() else hub.load(HUB_ID, split, "image", 1, INSTEAD)
    return ImageSet.of("fashion_mnist", images, labels, CLASSES)


def cut_sheet(path: Path) -> UInt8[np.ndarray, "N 28 28 1"]:
    """The tiles of a sheet, row by row."""
    sheet = pixels_of(read_image(path))
    rows, columns = (math.ceil(side / SIDE) for side in sheet.shape[:2])
    return sheet.reshape(rows, SIDE, columns, SIDE, 1).swapaxes(1, 2).reshape(-1, SIDE, SIDE, 1)


def _from_debian(split: Split) -> tuple[np.ndarray, np.ndarray]:
    prefix = "t10k" if split == "test" else "train"
    images = read_idx(DEBIAN_FOLDER / f"{prefix}-images-idx3-ubyte.gz")
    return images[..., None], read_idx(DEBIAN_FOLDER / f"{prefix}-labels-idx1-ubyte.gz")


def read_idx(path: Path) -> np.ndarray:
    """A gzipped idx file of unsigned bytes: two zero bytes, type 8, number of axes, their lengths, the values."""
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise NevoaError(f"Cannot read {path}: {error}. Reinstall the package dataset-fashion-mnist.") from error
    if data[:3] != b"\0\0\x08" or len(data) < 4 or len(data) < 4 + 4 * data[3]:
        raise NevoaError(f"{path} is not an idx file of bytes.")
    shape = np.frombuffer(data, ">u4", count=data[3], offset=4).astype(int)
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if len(values) != shape.prod():
        raise NevoaError(f"{path} holds {len(values)} values, its header says {shape.prod()}.")
    return values.reshape(shape)
