"""The nearest training image of each image, by the difference of their pixels."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8

Images = UInt8[np.ndarray, "N H W C"]
Training = UInt8[np.ndarray, "M H W C"]
Index = Int64[np.ndarray, " N"]

ROWS, COLUMNS = 1000, 10_000


class Nearest(NamedTuple):
    """Nearest training images.

    Attributes:
        images: the nearest training image of each image, mirrored if that is nearer.
        indices: its index.
        distance: root mean square difference to it, in 8-bit steps.
    """

    images: Images
    indices: Index
    distance: Float64[np.ndarray, " N"]


def nearest_images(images: Images, training: Training, mirrored: bool = False, own: Index | None = None) -> Nearest:
    """Return the nearest training image of each image.

    Args:
        mirrored: whether the mirror images of training images count.
        own: if the images are training images, the index of each in `training`, so that none is compared with itself.
    """
    index, turned = _search(images, training, mirrored, own)
    found = training[index]
    found[turned] = found[turned, :, ::-1]
    apart = np.subtract(images, found, dtype=np.float32)
    return Nearest(found, index, np.sqrt((apart**2).reshape(len(images), -1).mean(1, dtype=np.float64)))


def _search(
    images: Images, training: Training, mirrored: bool, own: Index | None
) -> tuple[Index, Bool[np.ndarray, " N"]]:
    """Index of the nearest training image, and whether its mirror image is nearer, in blocks.

    Half of |x - y|^2 is |x|^2 / 2 + |y|^2 / 2 - x.y, where x.y is that of the even parts plus that of the odd ones. In
    a mirror image the odd part has the other sign, so the nearer of the two has the absolute value.
    """
    index, best = np.zeros(len(images), np.int64), np.full(len(images), np.inf, np.float32)
    turned = np.zeros(len(images), bool)
    for start in range(0, len(training), COLUMNS):
        even, odd = _parts(training[start : start + COLUMNS])
        norms = ((even**2).sum(1) + (odd**2).sum(1)) / 2
        for first in range(0, len(images), ROWS):
            rows = slice(first, first + ROWS)
            x_even, x_odd = _parts(images[rows])
            odds = x_odd @ odd.T
            scores = norms - x_even @ even.T
            scores -= np.abs(odds) if mirrored else odds
            if own is not None:
                scores[own[rows, None] == start + np.arange(len(even))] = np.inf
            near = scores.argmin(1)
            place = np.arange(len(near)), near
            better = scores[place] < best[rows]
            index[rows] = np.where(better, near + start, index[rows])
            turned[rows] = np.where(better, mirrored & (odds[place] < 0), turned[rows])
            best[rows] = np.minimum(scores[place], best[rows])
    return index, turned


def _parts(images: Images) -> tuple[Float32[np.ndarray, "N E"], Float32[np.ndarray, "N O"]]:
    """The images in coordinates that mirroring keeps (even), and in those whose sign it turns (odd)."""
    values, half = images.astype(np.float32) / 255, images.shape[2] // 2
    left, right = values[:, :, :half], values[:, :, ::-1][:, :, :half]
    middle = values[:, :, half : images.shape[2] - half]
    even = np.concatenate([(left + right) / np.sqrt(2, dtype=np.float32), middle], axis=2)
    return even.reshape(len(images), -1), ((left - right) / np.sqrt(2, dtype=np.float32)).reshape(len(images), -1)
