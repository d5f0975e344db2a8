"""Whether images are copies: distances to the nearest training image, compared with those of held-out images."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8

from nevoa.errors import NevoaError

Images = UInt8[np.ndarray, "N H W C"]
Training = UInt8[np.ndarray, "M H W C"]
Index = Int64[np.ndarray, " N"]

QUANTILE = 0.01
ROWS, COLUMNS = 1000, 10_000
# So many training images stand in for test images.
MOST_OWN = 10_000


@dataclass(frozen=True)
class Memorisation:
    """How close generated images are to training images.

    Attributes:
        share: of generated images that are closer to a training image than the closest 1 % of held-out images. Far more
            than `honest` if training images are repeated.
            Held-out images that are training images too say nothing of how close others come, and are left out; if all
            are, it is the share of exact copies.
        honest: the share that is expected of new images; 0 if only exact copies count.
        honest_spread: its standard deviation.
        median_ratio: median distance of the generated images, divided by that of the held-out images; NaN if all of
            these are training images too.
        nearest: the nearest training image of each generated image.
        distance: root mean square difference to the nearest training image, in 8-bit steps.
    """

    share: float
    honest: float
    honest_spread: float
    median_ratio: float
    nearest: Images
    distance: Float64[np.ndarray, " N"]


def memorisation(
    generated: Images, training: Training, held_out: UInt8[np.ndarray, "P H W C"] | None, mirrored: bool = False
) -> Memorisation:
    """Compare `generated` and held-out images with `training` and, if `mirrored`, with its mirror images.

    Args:
        held_out: real images that the model was not trained on. None takes training images instead, and compares each
            with the others: it is as far from them as a held-out image is from all, if no image is there twice.

    A NevoaError if `held_out` is None and there is only one training image.
    """
    nearest, distance = nearest_images(generated, training, mirrored)
    if held_out is not None:
        _, usual = nearest_images(held_out, training, mirrored)
    elif len(training) < 2:
        raise NevoaError("To tell copies from new images takes test images, or two or more training images.")
    else:
        own = np.linspace(0, len(training) - 1, min(len(training), MOST_OWN)).astype(np.int64)
        _, usual = nearest_images(training[own], training, mirrored, own)
    apart = usual[usual > 0]
    if not len(apart):
        return Memorisation(float((distance == 0).mean()), 0, 0, np.nan, nearest, distance)
    share = float((distance < np.quantile(apart, QUANTILE)).mean())
    # Two training images that are close to each other have one distance.
    honest = honest_share(len(apart) if held_out is not None else len(apart) / 2, len(generated))
    return Memorisation(share, *honest, float(np.median(distance) / np.median(apart)), nearest, distance)


def honest_share(held_out: float, count: int) -> tuple[float, float]:
    """The share of `count` new images that is expected below the 1 % quantile of `held_out` distances, and its spread.

    A new image is below the k-th of n distances with a probability of k / (n + 1) on average, because each of the n + 1
    places among them is equally likely. The quantile lies at k = 0.01 (n - 1) + 1, between two distances. The
    probability has a beta distribution, so the number of images below has a beta-binomial one.
    """
    mean = (QUANTILE * (held_out - 1) + 1) / (held_out + 1)
    of_the_quantile = 1 / (held_out + 2)
    return mean, float(np.sqrt(mean * (1 - mean) * (of_the_quantile + (1 - of_the_quantile) / count)))


def nearest_images(
    images: Images, training: Training, mirrored: bool = False, own: Index | None = None
) -> tuple[Images, Float64[np.ndarray, " N"]]:
    """Return the nearest training image of each image, and the root mean square difference in 8-bit steps.

    Args:
        own: if the images are training images, the index of each in `training`, so that none is compared with itself.
    """
    index, turned = _search(images, training, mirrored, own)
    found = training[index]
    found[turned] = found[turned, :, ::-1]
    apart = np.subtract(images, found, dtype=np.float32)
    return found, np.sqrt((apart**2).reshape(len(images), -1).mean(1, dtype=np.float64))


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
