"""Whether images are copies: distances to the nearest training image, compared with those of held-out images."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

Images = UInt8[np.ndarray, "N H W C"]
Training = UInt8[np.ndarray, "M H W C"]

QUANTILE = 0.01
ROWS, COLUMNS = 1000, 10_000


@dataclass(frozen=True)
class Memorisation:
    """How close generated images are to training images.

    Attributes:
        share: of generated images that are closer to a training image than the closest 1 % of held-out images. About
            0.01 for new images; far more if training images are repeated.
        median_ratio: median distance of the generated images, divided by that of the held-out images.
        nearest: the nearest training image of each generated image.
        distance: root mean square difference to the nearest training image, in 8-bit steps.
    """

    share: float
    median_ratio: float
    nearest: Images
    distance: Float64[np.ndarray, " N"]


def memorisation(
    generated: Images, training: Training, held_out: UInt8[np.ndarray, "P H W C"], mirrored: bool = False
) -> Memorisation:
    """Compare `generated` and `held_out` with `training` and, if `mirrored`, with its mirror images."""
    nearest, distance = nearest_images(generated, training, mirrored)
    _, usual = nearest_images(held_out, training, mirrored)
    share = float((distance < np.quantile(usual, QUANTILE)).mean())
    return Memorisation(share, float(np.median(distance) / np.median(usual)), nearest, distance)


def nearest_images(
    images: Images, training: Training, mirrored: bool = False
) -> tuple[Images, Float64[np.ndarray, " N"]]:
    """The nearest training image of each image, and the root mean square difference in 8-bit steps."""
    index, score = _search(images, training)
    found = training[index]
    if mirrored:
        index, mirrored_score = _search(images, training[:, :, ::-1])
        nearer = mirrored_score < score
        found[nearer] = training[index[nearer], :, ::-1]
    apart = images.astype(np.float64) - found
    return found, np.sqrt((apart**2).reshape(len(images), -1).mean(1))


def _search(images: Images, training: Training) -> tuple[Int64[np.ndarray, " N"], Float32[np.ndarray, " N"]]:
    """Index of the nearest training image, and the part of the squared distance that depends on it, in float32."""
    index, best = np.zeros(len(images), np.int64), np.full(len(images), np.inf, np.float32)
    for start in range(0, len(training), COLUMNS):
        columns = _flat(training[start : start + COLUMNS])
        norms = (columns**2).sum(1)
        for first in range(0, len(images), ROWS):
            rows = slice(first, first + ROWS)
            scores = norms - 2 * _flat(images[rows]) @ columns.T
            near = scores.argmin(1)
            score = scores[np.arange(len(near)), near]
            better = score < best[rows]
            index[rows] = np.where(better, near + start, index[rows])
            best[rows] = np.minimum(score, best[rows])
    return index, best


def _flat(images: Images) -> Float32[np.ndarray, "N P"]:
    return images.reshape(len(images), -1).astype(np.float32) / 255
