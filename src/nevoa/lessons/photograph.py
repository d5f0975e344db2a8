"""The reader's own photograph, or one that is at hand."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from nevoa.data import fitted, load_images, picture_of, pixels_of, read_image

# A checked coat, with large areas that survive noise.
PACKAGED = 4517


def photo(path: str | Path = "", side: int = 128) -> UInt8[np.ndarray, "side side C"]:
    """Return a picture as pixels, cut to a square of `side` pixels.

    Args:
        path: a picture file. Without one, the cat of scikit-image, or a packaged image of clothes if scikit-image is
            not installed.

    Raises:
        NevoaError: the file is missing or is not a picture.

    Example:
        >>> photo(side=64).shape
        (64, 64, 3)
    """
    return pixels_of(fitted(read_image(Path(path)) if path else _at_hand(), (side, side)))


def _at_hand() -> Image.Image:
    if find_spec("skimage") is None:
        return picture_of(load_images("fashion_mnist_10k").images[PACKAGED])
    from skimage.data import chelsea

    return picture_of(chelsea())
