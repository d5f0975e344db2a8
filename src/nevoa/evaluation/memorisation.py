"""Whether images are copies: distances to the nearest training image, compared with those of held-out images."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8

from nevoa.data.nearest import Images, Training, nearest_images
from nevoa.errors import NevoaError

QUANTILE = 0.01
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
    nearest, _, distance = nearest_images(generated, training, mirrored)
    if held_out is not None:
        usual = nearest_images(held_out, training, mirrored).distance
    elif len(training) < 2:
        raise NevoaError("To tell copies from new images takes test images, or two or more training images.")
    else:
        own = np.linspace(0, len(training) - 1, min(len(training), MOST_OWN)).astype(np.int64)
        usual = nearest_images(training[own], training, mirrored, own).distance
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
