"""An image that a caller gives: a file, a PIL image or an array."""

from os import PathLike
from typing import Any

import numpy as np
from PIL import Image

from nevoa._util.arguments import path_of
from nevoa.data.decode import WHITE, opaque, picture_of, read_image
from nevoa.errors import NevoaError

Picture = str | PathLike[str] | Image.Image | np.ndarray


def opened(picture: Any, background: str | None = WHITE) -> Image.Image:
    """Return an image that a caller gives: a file, a PIL image, bool `[H, W]`, or uint8 `[H, W]` or `[H, W, C]`.

    Args:
        picture: 2 channels are gray and alpha, 4 are RGB and alpha.
        background: the colour behind transparent pixels; None keeps them, in mode RGBA.

    Raises:
        NevoaError: it is something else, or cannot be read.

    Example:
        >>> opened(np.zeros((28, 32), np.uint8)).size
        (32, 28)
    """
    if isinstance(picture, Image.Image):
        if picture.mode == "I" and picture.format is None:
            raise NevoaError("An image of mode I does not say which number is white: convert it to mode L or RGB.")
        return opaque(picture, background)
    if not isinstance(picture, np.ndarray):
        return read_image(path_of("The image", picture), background)
    if picture.dtype == np.bool_:
        picture = picture.astype(np.uint8) * 255
    channelled = picture.shape[2:] in ((), (1,), (2,), (3,), (4,))
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or not picture.size or not channelled:
        raise NevoaError(
            "An image must be uint8 [H, W] or [H, W, C] with 1 to 4 channels, not "
            f"{picture.dtype} {list(picture.shape)}."
        )
    return opaque(picture_of(picture.reshape(*picture.shape[:2], -1)), background)
