"""What the feature network sees: how many of each class, and how sure it is."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64


class Classes(NamedTuple):
    """What is seen of a set of images.

    Attributes:
        shares: share of the images that is most probably of each class.
        confidence: mean probability of the most probable class.
    """

    shares: Float64[np.ndarray, " K"]
    confidence: float


def classes(probabilities: Float64[np.ndarray, "N K"]) -> Classes:
    """Histogram and confidence, from the probability of each class for each image."""
    counts = np.bincount(probabilities.argmax(1), minlength=probabilities.shape[1])
    return Classes(counts / counts.sum(), float(probabilities.max(1).mean()))
