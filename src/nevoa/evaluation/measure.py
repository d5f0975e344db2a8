"""From images to a report, one metric after another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import Float64

from nevoa._util.random import Stream, generator
from nevoa.data import to_unit
from nevoa.errors import NevoaError
from nevoa.evaluation.classes import class_histogram
from nevoa.evaluation.feature_network import FeatureNetwork
from nevoa.evaluation.features import FEW, Features, check_features
from nevoa.evaluation.frechet import Moments, frechet_distance
from nevoa.evaluation.inception import inception_scores
from nevoa.evaluation.kernel_distance import kernel_distance
from nevoa.evaluation.likelihood import Bound, estimate_bound, exact_bound
from nevoa.evaluation.memorisation import Memorisation, memorisation
from nevoa.evaluation.precision_recall import precision_recall
from nevoa.evaluation.progress import Stage
from nevoa.evaluation.protocol import Protocol
from nevoa.evaluation.samples import Samples
from nevoa.model import Model
from nevoa.vocabulary import MetricName

METRICS: tuple[MetricName, ...] = get_args(MetricName)
# Inception needs an extra and a download, and is meant for photographs.
DEFAULT_METRICS: tuple[MetricName, ...] = METRICS[:-1]
# These compare distributions, and need more images than features.
DISTANCES: set[MetricName] = {"frechet", "kernel", "manifold"}

# 26,500 evaluations of the network at T = 1000, 10,500 of them for the estimate.
BITS_IMAGES, EXACT_IMAGES = 500, 16
# Features of a network that is wrong more often than this do not describe the images.
LOWEST_ACCURACY = 0.6


@dataclass(frozen=True)
class Report:
    """The result of a measurement.

    Attributes:
        scores: by name; `fd_…` and `kd_…` end in the name of the feature network.
        floor: the same scores of real training images against the same test images.
        class_shares: share of the images per class, by the feature network.
        warnings: reasons to treat a score with care.
        bound: terms of the likelihood bound and loss by timestep, if bits per dimension were measured.
        memorisation: the nearest training images, if they were searched for.
    """

    samples: Samples
    protocol: Protocol
    scores: dict[str, float]
    floor: dict[str, float]
    class_shares: dict[str, float]
    warnings: tuple[str, ...]
    bound: Bound | None = None
    memorisation: Memorisation | None = None


def measure(
    samples: Samples,
    protocol: Protocol,
    metrics: Sequence[MetricName] = DEFAULT_METRICS,
    inception_weights: Path | None = None,
) -> Iterator[Stage | Report]:
    """Measure images by a protocol. Yields a Stage before each piece of work, and the Report at the end.

    A NevoaError if the images do not have the shape of the reference, are too few or all equal, or if bits per
    dimension are wanted without a model.

    Example:
        reference = Reference.of(DataConfig(source="fashion_mnist"))
        *_, report = measure(Samples("mine", images), Protocol(reference, len(images)))
        print(report.scores)
    """
    reference, images, model = protocol.reference, samples.images, samples.model
    _, height, width, channels = images.shape
    reference.check_shape((channels, height, width))
    if "bits" in metrics and model is None:
        raise NevoaError("Bits per dimension need a model. Name a run, or leave bits out of --metrics.")
    yield Stage("computing features")
    features, real = reference.feature_network.features(images), reference.features()
    for name, vectors in (("images", features), ("test images", real)):
        check_features(vectors, name, moments=not DISTANCES.isdisjoint(metrics))
    yield Stage("comparing features")
    report = _compared(samples, protocol, features, real, metrics)
    if "memorisation" in metrics:
        yield Stage("searching for copies")
        found = memorisation(images, training_images(samples, protocol), reference.test.images, samples.mirrored)
        scores = {"near_copies": found.share, "nearest_distance_ratio": found.median_ratio}
        report = replace(report, scores=report.scores | scores, memorisation=found)
    if "bits" in metrics and model is not None:
        yield Stage("computing bits per dimension")
        bound, scores = _bits(model, samples, protocol)
        report = replace(report, scores=report.scores | scores, bound=bound)
    if "inception" in metrics:
        yield Stage("computing Inception features")
        scores = inception_scores(images, reference.test.images, inception_weights, seed=protocol.seed)
        report = replace(report, scores=report.scores | scores)
    yield report


def feature_scores(
    features: Features,
    real: Float64[np.ndarray, "M D"],
    feature_network: FeatureNetwork,
    metrics: Sequence[MetricName],
    seed: int = 0,
) -> dict[str, float]:
    """The scores that are computed from features alone."""
    name, scores = feature_network.info.short_name, {}
    if "frechet" in metrics:
        scores[f"fd_{name}"] = frechet_distance(Moments.of([features]), Moments.of([real]))
    if "kernel" in metrics:
        found = kernel_distance(features, real, generator(seed, Stream.EVALUATION, 3))
        scores |= {f"kd_{name}": found.distance, f"kd_{name}_low": found.low, f"kd_{name}_high": found.high}
    if "manifold" in metrics:
        scores |= precision_recall(real, features)._asdict()
    if "classes" in metrics:
        scores["confidence"] = class_histogram(feature_network.probabilities(features)).confidence
    return scores


def training_images(samples: Samples, protocol: Protocol) -> np.ndarray:
    """Images that may have been copied: those the model was trained on or, if unknown, the reference's."""
    return (samples.training or protocol.reference.train).images


def standard_error(values: Float64[np.ndarray, " N"]) -> float:
    """Standard error of the mean of independent values."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _compared(
    samples: Samples,
    protocol: Protocol,
    features: Features,
    real: Float64[np.ndarray, "M D"],
    metrics: Sequence[MetricName],
) -> Report:
    """The report of the metrics that need features alone."""
    network = protocol.reference.feature_network
    floor_features = protocol.reference.floor_features(len(features), protocol.seed)
    scores, floor = (
        feature_scores(vectors, real, network, metrics, protocol.seed) for vectors in (features, floor_features)
    )
    shares: dict[str, float] = {}
    if "classes" in metrics:
        histogram = class_histogram(network.probabilities(features))
        shares = dict(zip(network.info.classes, histogram.shares.tolist(), strict=True))
    return Report(samples, protocol, scores, floor, shares, tuple(_warnings(features, real, network, metrics)))


def _bits(model: Model, samples: Samples, protocol: Protocol) -> tuple[Bound, dict[str, float]]:
    """Bits per dimension of test images. A conditional model is used unconditionally."""
    variance = (samples.sampler or model.settings().model_dump())["variance"]
    # Clipped as in Ho et al.: no image lies outside of [-1, 1].
    denoiser = model.denoiser(clip=True)
    model.network.eval()
    test = protocol.reference.test
    chosen = generator(protocol.seed, Stream.EVALUATION, 4).permutation(len(test))[:BITS_IMAGES]
    x_0 = to_unit(test.images[np.sort(chosen)]).to(model.device)
    estimates = estimate_bound(denoiser, x_0, variance, seed=protocol.seed)
    bound = exact_bound(denoiser, x_0[:EXACT_IMAGES], variance, seed=protocol.seed)
    scores = {"bits_per_dim": float(estimates.mean()), "bits_per_dim_se": standard_error(estimates)}
    scores |= {"bits_per_dim_exact": float(bound.total.mean()), "bits_per_dim_exact_se": standard_error(bound.total)}
    return bound, scores


def _warnings(
    features: Features, real: Float64[np.ndarray, "M D"], network: FeatureNetwork, metrics: Sequence[MetricName]
) -> Iterator[str]:
    if len(features) < FEW:
        yield f"{len(features):,} images are few: below {FEW:,}, distances are noisy and biased upwards"
    if network.info.accuracy < LOWEST_ACCURACY:
        yield (
            f"the feature network is right on only {network.info.accuracy:.0%} of unseen images: "
            "distances between its features say little"
        )
    if "frechet" in metrics:
        for name, vectors in (("images", features), ("test images", real)):
            if warning := Moments.of([vectors]).warning:
                yield f"{name}: {warning}"
