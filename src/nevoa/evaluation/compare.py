"""Compare runs: whether the difference between two Fréchet distances is more than chance.

Two kinds of chance: other images of the same models, which a bootstrap over images estimates; and other trainings of
the same configs, which only several seeds show.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from nevoa._util.random import Stream, generator
from nevoa.data import size_in_words
from nevoa.errors import NevoaError
from nevoa.evaluation.intervals import CONFIDENCE, Classes, Interval
from nevoa.evaluation.measure import check_count
from nevoa.evaluation.reference import Reference
from nevoa.evaluation.samples import from_run
from nevoa.evaluation.stage import Stage
from nevoa.features.features import Features, check_features
from nevoa.features.frechet import Gaussian, distance_between
from nevoa.runs import Run

RESAMPLES = 200
Others = Float64[np.ndarray, "M D"]
Resamples = Float64[np.ndarray, " R"]


@dataclass(frozen=True)
class Measured:
    """The Fréchet distance of a run's images, and those of resamples of them.

    Example:
        >>> one = Measured("runs/a", 0.30, np.array([0.33, 0.35]))
        >>> one.interval.low < 0.30 < one.interval.high
        True
    """

    name: str
    distance: float
    resampled: Resamples

    @property
    def interval(self) -> Interval:
        """Where the distance of other images of the same model is expected."""
        return _around(self.distance, self.resampled)

    def minus(self, other: "Measured") -> Interval:
        """The difference between two distances. Resamples of runs with the same classes draw the same images."""
        return _around(self.distance - other.distance, self.resampled - other.resampled)


def measured(name: str, features: Features, real: Others, classes: Classes, seed: int = 0) -> Measured:
    """The distance of images to real ones, and of `RESAMPLES` resamples of the images.

    A resample draws as many images of each class as there are, with replacement; a model's images have fixed shares of
    the classes, too. The real images stay as they are: all runs are compared with the same.

    Args:
        classes: of the images; all 0 if they were not made by class.
    """
    rng, wanted = generator(seed, Stream.EVALUATION, 5), Gaussian.of(real)
    places = [np.flatnonzero(classes == label) for label in np.unique(classes)]
    resamples = (np.concatenate([rng.choice(place, len(place)) for place in places]) for _ in range(RESAMPLES))
    distances = [distance_between(Gaussian.of(features[chosen]), wanted) for chosen in resamples]
    return Measured(name, distance_between(Gaussian.of(features), wanted), np.array(distances))


def compare(
    runs: Sequence[Run], references: Sequence[Reference], count: int, seed: int = 0, **options: Any
) -> Iterator[Stage | Measured]:
    """Make `count` images with each run's model, and measure them. Yields stages, and a Measured for each run.

    Args:
        references: one for each run, all with the same images and feature network.
        options: those of `Model.sample` for all runs; by default each run has its own.

    A NevoaError if the references differ.

    Example:
        >>> references = [Reference.of(run.plan().data) for run in runs]
        >>> first, second = (item for item in compare(runs, references, 2048) if isinstance(item, Measured))
        >>> print(second.minus(first).verdict)
    """
    reference = _common(runs, references)
    check_count(count, reference)
    real = reference.features()
    for run, own in zip(runs, references, strict=True):
        for made in from_run(run, own, count, seed, **options):
            if isinstance(made, Stage):
                yield Stage(f"{made.name} of {run.folder}", made.done, made.total)
                continue
            yield Stage(f"resampling those of {run.folder}")
            features = reference.feature_network.features(made.images)
            check_features(features, "images")
            yield measured(str(run.folder), features, real, made.classes, seed)


def _common(runs: Sequence[Run], references: Sequence[Reference]) -> Reference:
    """The reference of all runs. A NevoaError names the first run that has another."""
    first = references[0]
    for run, reference in zip(runs, references, strict=True):
        if reference.digest != first.digest:
            raise NevoaError(
                f"The images of {run.folder} are compared with {_described(reference)}, those of {runs[0].folder} with "
                f"{_described(first)}: such distances cannot be compared. Choose runs of one data set and size, or "
                "name one source for all with --against."
            )
    return first


def _described(reference: Reference) -> str:
    return f"{reference.source} at {size_in_words(*reference.train.shape)} ({reference.digest:.8})"


def _around(value: float, resampled: Resamples) -> Interval:
    """The value, with the spread of its resamples around their mean.

    Not their quantiles: a resample repeats images, and its distance is larger by about as much as that of the images is
    larger than that of infinitely many.
    """
    low, high = np.quantile(resampled - resampled.mean(), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value, value + float(low), value + float(high))
