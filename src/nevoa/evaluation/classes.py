"""The classes that the feature network finds in images."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64


class ClassHistogram(NamedTuple):
    """The predicted classes of a set of images.

    Attributes:
        shares: share of the images per predicted class; sums to 1.
        confidence: mean probability of the predicted class.
    """

    shares: Float64[np.ndarray, " K"]
    confidence: float


def class_histogram(probabilities: Float64[np.ndarray, "N K"]) -> ClassHistogram:
    """Histogram and confidence from the class probabilities of each image."""
    counts = np.bincount(probabilities.argmax(1), minlength=probabilities.shape[1])
    return ClassHistogram(counts / counts.sum(), float(probabilities.max(1).mean()))
