"""Show images in a notebook."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from nevoa._util.arguments import whole
from nevoa.errors import NevoaError
from nevoa.pictures.grid import grid, titled_grid


def show(images: Any, titles: Iterable[object] | None = None, columns: int | None = None) -> Image.Image:
    """Return images as one grid, which a notebook displays.

    Args:
        images: uint8, `[N, H, W, C]`, `[N, H, W]`, one image `[H, W, C]`, or a list of images of one shape.
        titles: a title for each image, such as its class; drawn below it.
        columns: images per row; by default the grid is as square as possible.

    Raises:
        NevoaError: the images are not uint8, have no such shape, or have another number than the titles; or columns is
            below 1.

    >>> import numpy as np
    >>> show(np.zeros((6, 28, 28, 1), np.uint8), columns=3).size
    (260, 174)

    Example:
        >>> picture = nevoa.show(images, titles=range(16), columns=8)
    """
    stack, columns = _stack(images), None if columns is None else whole("columns", columns, 1)
    if titles is None:
        return grid(stack, columns)
    titles = [*titles]
    if len(titles) != len(stack):
        raise NevoaError(f"There are {len(stack)} images and {len(titles)} titles: give one title for each image.")
    return titled_grid(stack, [str(title) for title in titles], columns)


def _stack(images: Any) -> np.ndarray:
    """The images as uint8 `[N, H, W, C]`."""
    if hasattr(images, "detach"):
        images = images.detach().cpu()
        _check_bytes(str(images.dtype).removeprefix("torch."))  # numpy lacks some types of tensors
    try:
        stack = np.asarray(images)
    except (ValueError, TypeError) as error:
        raise NevoaError("The images have different shapes: show those of one shape at a time.") from error
    _check_bytes(str(stack.dtype))
    if stack.ndim == 3:
        # Three axes are one image if the last one is channels, else many gray images.
        stack = stack[None] if stack.shape[-1] in (1, 3) else stack[..., None]
    if stack.ndim == 2:
        stack = stack[None, ..., None]
    if stack.ndim != 4 or stack.shape[-1] not in (1, 3) or not stack.size:
        raise NevoaError(f"Images to show must be [N, H, W, C] with 1 or 3 channels, not {list(stack.shape)}.")
    return stack


def _check_bytes(dtype: str) -> None:
    if dtype != "uint8":
        raise NevoaError(
            f"Images to show must be uint8, not {dtype}: convert a tensor in [-1, 1] with nevoa.data.to_bytes."
        )
