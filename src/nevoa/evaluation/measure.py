"""The meter: from images to a report, one metric after another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import Float64

from nevoa._util.random import Stream, generator
from nevoa.data import to_unit
from nevoa.errors import NevoaError
from nevoa.evaluation.classes import classes
from nevoa.evaluation.feature_network import FeatureNetwork
from nevoa.evaluation.features import FEW, Features, check_features
from nevoa.evaluation.frechet import Moments, frechet_distance
from nevoa.evaluation.inception import inception_scores
from nevoa.evaluation.kernel_distance import kernel_distance
from nevoa.evaluation.likelihood import Bound, exact, stratified
from nevoa.evaluation.memorisation import Memorisation, memorisation
from nevoa.evaluation.precision_recall import manifold
from nevoa.evaluation.progress import Stage
from nevoa.evaluation.protocol import Protocol
from nevoa.evaluation.samples import Samples
from nevoa.vocabulary import MetricName

METRICS: tuple[MetricName, ...] = get_args(MetricName)
# Inception is asked for by name: it needs an extra, a download, and photographs.
DEFAULT_METRICS: tuple[MetricName, ...] = METRICS[:-1]

# 26,500 evaluations of the network at T = 1000, 10,500 of them for the estimate.
BITS_IMAGES, EXACT_IMAGES = 500, 16


@dataclass(frozen=True)
class Report:
    """What came of a measurement.

    Attributes:
        scores: by name; `fd_…` and `kd_…` carry the feature network's name.
        floor: the same scores of real training images against the same test images.
        class_shares: share of the images that the feature network puts into each class.
        warnings: why a score is to be taken with care.
        course: the bound's terms and the loss by timestep, where bits per dimension were measured.
        memory: the nearest training images, where memorisation was measured.
    """

    subject: Samples
    protocol: Protocol
    scores: dict[str, float]
    floor: dict[str, float]
    class_shares: dict[str, float]
    warnings: tuple[str, ...]
    course: Bound | None = None
    memory: Memorisation | None = None


def measure(
    subject: Samples,
    protocol: Protocol,
    metrics: Sequence[MetricName] = DEFAULT_METRICS,
    inception_weights: Path | None = None,
) -> Iterator[Stage | Report]:
    """Measure images by a protocol, stage by stage; the last item is the Report.

    A NevoaError if the images are not of the reference's shape, too few or all alike, or bits are asked for without a
    model.
    """
    reference, images = protocol.reference, subject.images
    if "bits" in metrics and subject.model is None:
        raise NevoaError("Bits per dimension are those of a model: name a run, or leave bits out of --metrics.")
    _, height, width, channels = images.shape
    reference.check_shape((channels, height, width))
    feature_network = reference.feature_network
    yield Stage("looking")
    features = feature_network.features(images)
    distances = not {"frechet", "kernel", "manifold"}.isdisjoint(metrics)
    check_features(features, "images", moments=distances)
    real = reference.features()
    check_features(real, "test images", moments=distances)
    report = Report(subject, protocol, {}, {}, {}, tuple(_warnings(len(images), features, real, metrics)))
    yield Stage("comparing")
    floor = reference.floor_features(len(images), protocol.seed)
    scores = feature_scores(features, real, feature_network, metrics, protocol.seed)
    floor_scores = feature_scores(floor, real, feature_network, metrics, protocol.seed)
    if "classes" in metrics:
        seen = classes(feature_network.probabilities(features)).shares
        report = replace(report, class_shares=dict(zip(feature_network.card.classes, seen.tolist(), strict=True)))
    if "memorisation" in metrics:
        yield Stage("looking for copies")
        memory = memorisation(images, training_images(subject, protocol), reference.test.images, subject.mirrored)
        scores |= {"near_copies": memory.share, "nearest_distance_ratio": memory.median_ratio}
        report = replace(report, memory=memory)
    if "bits" in metrics:
        yield Stage("counting bits")
        course, bits = _bits(subject, protocol)
        scores |= bits
        report = replace(report, course=course)
    if "inception" in metrics:
        yield Stage("looking with Inception")
        scores |= inception_scores(images, reference.test.images, inception_weights, seed=protocol.seed)
    yield replace(report, scores=scores, floor=floor_scores)


def feature_scores(
    features: Features,
    real: Float64[np.ndarray, "M D"],
    feature_network: FeatureNetwork,
    metrics: Sequence[MetricName],
    seed: int = 0,
) -> dict[str, float]:
    """The scores that need nothing but features: of generated images, or of real ones for the floor."""
    name, scores = feature_network.card.short_name, {}
    if "frechet" in metrics:
        scores[f"fd_{name}"] = frechet_distance(Moments.of([features]), Moments.of([real]))
    if "kernel" in metrics:
        found = kernel_distance(features, real, generator(seed, Stream.EVALUATION, 3))
        scores |= {f"kd_{name}": found.distance, f"kd_{name}_low": found.low, f"kd_{name}_high": found.high}
    if "manifold" in metrics:
        scores |= manifold(real, features)._asdict()
    if "classes" in metrics:
        scores["confidence"] = classes(feature_network.probabilities(features)).confidence
    return scores


def training_images(subject: Samples, protocol: Protocol) -> np.ndarray:
    """What the subject may have copied: what it was trained on, or the reference's training images."""
    return (subject.training or protocol.reference.train).images


def _bits(subject: Samples, protocol: Protocol) -> tuple[Bound, dict[str, float]]:
    """The bound, by the null label of a conditional model: the images are coded without being told their classes."""
    model, sampler = subject.model, subject.sampler
    assert model is not None and sampler is not None
    variance = sampler["variance"]
    # Clipped as in Ho et al.: an estimate outside of [-1, 1] cannot be the image.
    denoiser = model.denoiser(clip=True)
    model.network.eval()
    chosen = generator(protocol.seed, Stream.EVALUATION, 4).permutation(len(protocol.reference.test))[:BITS_IMAGES]
    x_0 = to_unit(protocol.reference.test.images[np.sort(chosen)]).to(model.device)
    estimates = stratified(denoiser, x_0, variance, seed=protocol.seed)
    course = exact(denoiser, x_0[:EXACT_IMAGES], variance, seed=protocol.seed)
    scores = {"bits_per_dim": float(estimates.mean()), "bits_per_dim_se": standard_error(estimates)}
    scores |= {"bits_per_dim_exact": float(course.total.mean()), "bits_per_dim_exact_se": standard_error(course.total)}
    return course, scores


def standard_error(values: Float64[np.ndarray, " N"]) -> float:
    """Of the mean of independent values."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _warnings(
    count: int, features: Features, real: Float64[np.ndarray, "M D"], metrics: Sequence[MetricName]
) -> Iterator[str]:
    if count < FEW:
        yield f"{count:,} images are few: distances are biased upwards and noisy below {FEW:,}"
    if "frechet" in metrics:
        for whose, vectors in (("the images", features), ("the test images", real)):
            if warning := Moments.of([vectors]).warning:
                yield f"{whose}: {warning}"
