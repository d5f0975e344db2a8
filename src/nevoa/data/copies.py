"""Near copies among images, such as a photograph that was saved twice: a model memorises them first."""

import numpy as np
from jaxtyping import UInt8
from PIL.Image import Resampling

from nevoa.data.decode import picture_of
from nevoa.data.nearest import nearest_images
from nevoa.data.store import ImageSet

# A photograph that is saved anew as JPEG, of half the size or mirrored differs by 0.2 to 1.9 of 255 in 16x16 pixels. Of
# 3,000 clothes, digits and shapes the two that are most alike differ by 10 to 15; cropped by a twentieth it is 9 to 31.
SIDE, NEAR = 16, 4.0
# Each is compared with all others.
MOST = 10_000


def near_copies(images: ImageSet) -> list[tuple[int, int]]:
    """Return pairs of images that hardly differ in 16x16 pixels, one perhaps mirrored, by their indices.

    Each is compared with the one nearest to it. Of more than 10,000 images none are looked for.

    Example:
        >>> near_copies(load_images("shapes", limit=100))
        []
    """
    if not 1 < len(images) <= MOST:
        return []
    small = _small(images.images)
    _, nearest, distance = nearest_images(small, small, mirrored=True, own=np.arange(len(small)))
    found = np.flatnonzero(distance < NEAR)
    pairs = np.sort(np.stack([found, nearest[found]], axis=1))
    return [(first, second) for first, second in np.unique(pairs, axis=0).tolist()]


def _small(images: UInt8[np.ndarray, "N H W C"]) -> UInt8[np.ndarray, "N h w C"]:
    height, width, channels = images.shape[1:]
    size = min(SIDE, width), min(SIDE, height)
    made = [np.asarray(picture_of(image).resize(size, Resampling.BOX)) for image in images]
    return np.stack(made).reshape(len(images), size[1], size[0], channels)
