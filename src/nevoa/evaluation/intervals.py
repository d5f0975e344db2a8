"""How far an estimate can be relied on: its interval, and how a score varies between sets of images of one model."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

CONFIDENCE = 0.95
# Half of such an interval, in standard deviations.
REACH = 1.96

Classes = Int64[np.ndarray, " N"]
Verdict = Literal["better", "worse", "undecided"]


class Interval(NamedTuple):
    """An estimate and its 95 % interval, from low to high, in the unit of the score.

    Example:
        >>> Interval(0.05, 0.02, 0.08).verdict
        'worse'
    """

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """Return "better" if the interval of a difference lies below 0, "worse" if above, else "undecided"."""
        return "better" if self.high < 0 else "worse" if self.low > 0 else "undecided"


def error_of_share(share: float, count: int) -> float:
    """The standard error `sqrt(p (1 - p) / N)` of a share of N.

    A share of 0 counts as one of N, and a share of 1 as all but one, so the error is never 0. Of one, it is 1/2.

    Example:
        >>> error_of_share(0.5, 100)
        0.05
    """
    p = min(max(share, 1 / count), 1 - 1 / count) if count > 1 else 1 / 2
    return float(np.sqrt(p * (1 - p) / count))


def interval_of(value: float, influence: Float64[np.ndarray, " N"], classes: Classes) -> Interval:
    """The interval of a score for other images of the same model, compared with the same real images.

    A model's images have fixed shares of the classes, so only differences within a class count (stratified sampling).

    Args:
        influence: of each image: the derivative of the score by its share of the images. The variance of N influences
            is N times that of the score (the delta method).
        classes: of the images; all 0 if they were not made by class.
    """
    variance = 0.0
    for label, count in zip(*np.unique(classes, return_counts=True), strict=True):
        if count > 1:
            variance += count * influence[classes == label].var(ddof=1)
    reach = REACH * float(np.sqrt(variance)) / len(influence)
    return Interval(value, value - reach, value + reach)
