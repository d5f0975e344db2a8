"""How often an interval of a Fréchet distance contains the true one.

    .venv/bin/python benchmarks/intervals.py [--count 500] [--trials 60]

The models are two sets of 10,000 noisy training images of Fashion-MNIST, which share their noise. Sets of images are
drawn from them, with each class in its share; the true distance is the mean of 200 such sets. Printed: how often it is
in the interval of `nevoa evaluate --compare`, in the quantiles of the resamples, and in the interval without classes;
and how often the true difference is in that of pairs, and of sets from other noise.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from nevoa.config import DataConfig
from nevoa.evaluation import Interval, Reference
from nevoa.evaluation.compare import measured
from nevoa.features.frechet import frechet_distance

IMAGES, SETS = 10_000, 200
# Standard deviations of the noise, in levels of 255.
NOISE = 14, 15


def models(reference: Reference) -> Iterator[np.ndarray]:
    """The features of each model's images, in the order of the training images."""
    images = reference.train.images[:IMAGES]
    noise = np.random.default_rng(0).normal(size=images.shape)
    for level in NOISE:
        yield reference.feature_network.features(np.clip(images + level * noise, 0, 255).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--trials", type=int, default=60)
    wish = parser.parse_args()
    reference = Reference.of(DataConfig(source="fashion_mnist"))
    real, rng = reference.features(), np.random.default_rng(1)
    first, second = models(reference)
    labels = reference.train.labels[:IMAGES]
    places = [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def drawn() -> np.ndarray:
        return np.concatenate([rng.choice(place, wish.count // len(places)) for place in places])

    sets = [drawn() for _ in range(SETS)]
    truth, other = (np.mean([frechet_distance(model[chosen], real) for chosen in sets]) for model in (first, second))
    means: defaultdict[str, float] = defaultdict(float)
    for _ in range(wish.trials):
        chosen, elsewhere = drawn(), drawn()
        a, b = (measured("", model[chosen], real, labels[chosen]) for model in (first, second))
        c = measured("", second[elsewhere], real, labels[elsewhere])
        alike = measured("", first[chosen], real, np.zeros_like(labels[chosen]))
        quantiles = Interval(a.distance, *np.quantile(a.resampled, [0.025, 0.975]))
        for name, (_, low, high), wanted in (
            ("interval", a.interval, truth),
            ("quantiles", quantiles, truth),
            ("without classes", alike.interval, truth),
            ("difference, in pairs", b.minus(a), other - truth),
            ("difference, other noise", c.minus(a), other - truth),
        ):
            means[name] += float(low <= wanted <= high) / wish.trials
            means[f"{name}, half-width"] += (high - low) / 2 / wish.trials
    for name, mean in means.items():
        print(f"{name:36}{mean:8.3f}")


if __name__ == "__main__":
    main()
