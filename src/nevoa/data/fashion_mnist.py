"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017) from the three places it can come from."""

import gzip
import math
import zlib
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
# Nearly all of its shoes point to the left: mirrored, real images score 0.072 where they score 0.025 as they are.
FLIPS = False
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
HUB_ID = "zalando-datasets/fashion_mnist"
INSTEAD = "'apt install dataset-fashion-mnist', or train on fashion_mnist_10k, which is built in"
SIDE = 28
SHEET_COLUMNS = 40
# A byte of deflate is at most so many.
MOST_DEFLATED = 1032


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
    height, width, channels = sheet.shape
    if height % SIDE or width % SIDE or channels != 1:
        raise NevoaError(f"{path} is no gray sheet of {SIDE}x{SIDE} images. Install nevoa again.")
    tiles = sheet.reshape(height // SIDE, SIDE, width // SIDE, SIDE, 1)
    return tiles.swapaxes(1, 2).reshape(-1, SIDE, SIDE, 1)


def _from_debian(split: Split) -> tuple[np.ndarray, np.ndarray]:
    prefix = "t10k" if split == "test" else "train"
    images = read_idx(DEBIAN_FOLDER / f"{prefix}-images-idx3-ubyte.gz")
    return images[..., None], read_idx(DEBIAN_FOLDER / f"{prefix}-labels-idx1-ubyte.gz")


def read_idx(path: Path) -> np.ndarray:
    """A gzipped idx file of unsigned bytes: two zero bytes, type 8, number of axes, their lengths, the values."""
    try:
        with gzip.open(path) as file:
            start = file.read(4)
            if start[:3] != b"\0\0\x08" or not 1 <= start[3] <= 3:
                raise ValueError("it is not an idx file of bytes")
            lengths = file.read(4 * start[3])
            if len(lengths) < 4 * start[3]:
                raise ValueError("it is not an idx file of bytes")
            shape = np.frombuffer(lengths, ">u4").tolist()
            count = math.prod(shape)
            if count > MOST_DEFLATED * path.stat().st_size:
                raise ValueError(f"its header says {count:,} values, more than it can hold")
            values = np.frombuffer(file.read(count + 1), np.uint8)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise NevoaError(f"Cannot read {path}: {error}. Reinstall the package dataset-fashion-mnist.") from error
    if len(values) != count:
        found = f"{len(values)} values" if len(values) < count else "more values"
        raise NevoaError(f"{path} holds {found}, its header says {count}.")
    return values.reshape(shape)
