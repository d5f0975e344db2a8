"""From images to a report, one metric after another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast, get_args

import numpy as np
from jaxtyping import Float64

from nevoa._util.plain import counted
from nevoa._util.random import Stream, generator
from nevoa.data import to_unit
from nevoa.errors import NevoaError
from nevoa.evaluation.feature_network import FeatureNetwork
from nevoa.evaluation.features import Features, check_features
from nevoa.evaluation.frechet import frechet_distance, rank_warning
from nevoa.evaluation.inception import inception_scores
from nevoa.evaluation.kernel_distance import kernel_distance, kernel_distance_alone
from nevoa.evaluation.likelihood import Bound, estimate_bound, exact_bound
from nevoa.evaluation.memorisation import Memorisation, memorisation
from nevoa.evaluation.precision_recall import K, precision_recall, radii
from nevoa.evaluation.protocol import Protocol
from nevoa.evaluation.reference import Reference
from nevoa.evaluation.samples import Samples, Stage
from nevoa.model import Model
from nevoa.vocabulary import MetricName

Others = Float64[np.ndarray, "M D"]

METRICS: tuple[MetricName, ...] = get_args(MetricName)
# What a metric needs of the reference, besides training images.
NEEDS: dict[MetricName, tuple[str, ...]] = {
    "frechet": ("test", "feature_network"),
    "kernel": ("test", "feature_network"),
    "manifold": ("test", "feature_network"),
    "classes": ("feature_network",),
    "bits": ("test",),
    "inception": ("test",),
}
# These compare distributions, and need more images than features.
DISTANCES: set[MetricName] = {"frechet", "kernel", "manifold"}

# With fewer images, bias and noise of a Fréchet distance are as large as the differences of interest.
FEW = 2048
# 26,500 evaluations of the network at T = 1000, 10,500 of them for the estimate.
BITS_IMAGES, EXACT_IMAGES = 500, 16
# Features of a network that is wrong more often than this do not describe the images.
LOWEST_ACCURACY = 0.6
NO_TEST = "there are no test images, so nevoa judges copies by the distances between training images"


@dataclass(frozen=True)
class Report:
    """The result of a measurement.

    Attributes:
        scores: by name; `fd_…` and `kd_…` end in the name of the feature network.
        floor: the same scores of as many real training images: the mean of several draws.
        floor_spread: the standard deviation of those draws.
        class_shares: share of the images per class, by the feature network.
        warnings: reasons to treat a score with care.
        bound: terms of the likelihood bound and loss by timestep, if bits per dimension were measured.
        memorisation: the nearest training images, if they were searched for.
    """

    samples: Samples
    protocol: Protocol
    scores: dict[str, float]
    floor: dict[str, float]
    floor_spread: dict[str, float]
    class_shares: dict[str, float]
    warnings: tuple[str, ...]
    bound: Bound | None = None
    memorisation: Memorisation | None = None


def measure(
    samples: Samples,
    protocol: Protocol,
    metrics: Sequence[MetricName] | None = None,
    inception_weights: Path | None = None,
) -> Iterator[Stage | Report]:
    """Measure images by a protocol. Yields a Stage before each piece of work, and the Report at the end.

    Args:
        metrics: by default all that can be computed but inception, which needs an extra, a download and photographs.
        inception_weights: file with torch-fidelity's Inception weights; None downloads them once.

    A NevoaError if the images do not have the shape of the reference or are all equal, or if a metric is named that
    cannot be computed: bits per dimension need a model, others test images, a feature network or more images.

    Example:
        reference = Reference.of(DataConfig(source="fashion_mnist"))
        *_, report = measure(Samples("mine", images), Protocol(reference, len(images)))
        print(report.scores)
    """
    reference, count = protocol.reference, len(samples.images)
    warnings = (*_few(count), *(() if metrics else left_out(reference, count)))
    _, height, width, channels = samples.images.shape
    reference.check_shape((channels, height, width))
    metrics = choose_metrics(reference, metrics, samples.model is not None, count)
    report = Report(samples, protocol, {}, {}, {}, {}, warnings)
    if not FEATURE_METRICS.keys().isdisjoint(metrics):
        yield Stage("computing features")
        features = reference.feature_network.features(samples.images)
        check_features(features, "images")
        real = features[:0] if isinstance(reference.found_test, NevoaError) else reference.features()
        if len(real):
            check_features(real, "test images")
        yield Stage("comparing features")
        report = _compared(report, metrics, features, real)
    for name, (stage, completed) in IMAGE_METRICS.items():
        if name in metrics:
            yield Stage(stage)
            report = completed(report, inception_weights)
    yield report


def check_count(count: int, reference: Reference) -> None:
    """Raise a NevoaError if there are fewer images than features, too few to compare their distributions."""
    width = reference.feature_network.width
    for name, number in (("images", count), ("test images", len(reference.test))):
        if number < width:
            raise NevoaError(
                f"The number of {name} is {number:,}, but distances between {width} features need at least {width}, "
                f"and {FEW:,} to be reliable."
            )


def choose_metrics(
    reference: Reference, metrics: Sequence[MetricName] | None, model: bool, count: int
) -> Sequence[MetricName]:
    """The metrics to compute, by default all but inception that can be. A NevoaError if one that is named cannot.

    Args:
        model: whether the model that made the images is known.
        count: number of images.
    """
    if metrics is None:
        others = {"inception"} if model else {"inception", "bits"}
        return [name for name in METRICS if name not in others and _obstacle(name, reference, count) is None]
    if "bits" in metrics and not model:
        raise NevoaError("Bits per dimension need a model. Name a run, or leave bits out of --metrics.")
    for name in metrics:
        if why := _obstacle(name, reference, count):
            can = ",".join(choose_metrics(reference, None, model, count))
            raise NevoaError(f"Cannot measure {name}. {why} What can be measured: --metrics {can}.")
    return metrics


def left_out(reference: Reference, count: int) -> tuple[str, ...]:
    """The metrics that cannot be computed, and why: a sentence for each reason, without a full stop."""
    reasons: dict[str, list[str]] = {}
    for name in METRICS:
        if name != "inception" and (why := _obstacle(name, reference, count)):
            reasons.setdefault(why, []).append(name)
    return tuple(f"not measured: {', '.join(names)}. {why.removesuffix('.')}" for why, names in reasons.items())


def _obstacle(metric: MetricName, reference: Reference, count: int) -> str | None:
    """Why a metric of so many images cannot be computed."""
    try:
        for part in NEEDS.get(metric, ()):
            getattr(reference, part)
        if metric in DISTANCES:
            check_count(count, reference)
    except NevoaError as error:
        return str(error)
    return None


def _compared(report: Report, metrics: Sequence[MetricName], features: Features, real: Others) -> Report:
    """The report with what is computed from features alone."""
    reference, seed = report.protocol.reference, report.protocol.seed
    network = reference.feature_network
    chosen = [row(real, network) for name, row in FEATURE_METRICS.items() if name in metrics]

    def scores(x: Features, seed: int | None = None) -> dict[str, float]:
        return {name: score for row in chosen for name, score in row(x, seed).items()}

    draws = [scores(x) for x in reference.floor_features(len(features), seed)]
    floor = {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]}
    spread = {name: float(np.std([draw[name] for draw in draws], ddof=1)) for name in floor}
    shares = class_shares(features, network) if "classes" in metrics else {}
    warnings = (*report.warnings, *_warnings(features, real, network, metrics))
    new = {"scores": scores(features, seed), "floor": floor, "floor_spread": spread}
    return replace(report, **new, class_shares=shares, warnings=warnings)


def _kernel_scores(real: Others, name: str, features: Features, seed: int | None) -> dict[str, float]:
    if seed is None:
        return {f"kd_{name}": kernel_distance_alone(features, real)}
    found = kernel_distance(features, real, generator(seed, Stream.EVALUATION, 3))
    return {f"kd_{name}": found.distance, f"kd_{name}_low": found.low, f"kd_{name}_high": found.high}


def _manifold_scores(real: Others) -> "FeatureScores":
    radius = radii(real, K)  # once for the images and all draws
    return lambda x, _: precision_recall(real, x, real_radius=radius)._asdict()


# Scores of features, with a seed; a draw of the floor gets none, because no interval is needed there.
FeatureScores = Callable[[Features, int | None], dict[str, float]]
# The metrics that are computed from features alone: each takes the real features and the network, and gives a function.
FEATURE_METRICS: dict[MetricName, Callable[[Others, FeatureNetwork], FeatureScores]] = {
    "frechet": lambda real, network: lambda x, _: {f"fd_{network.info.short_name}": frechet_distance(x, real)},
    "kernel": lambda real, network: partial(_kernel_scores, real, network.info.short_name),
    "manifold": lambda real, _: _manifold_scores(real),
    "classes": lambda _, network: lambda x, _: {"confidence": float(network.probabilities(x).max(1).mean())},
}


def class_shares(features: Features, network: FeatureNetwork) -> dict[str, float]:
    """Share of the images per most probable class; sums to 1."""
    classes = network.info.classes
    counts = np.bincount(network.probabilities(features).argmax(1), minlength=len(classes))
    return dict(zip(classes, (counts / len(features)).tolist(), strict=True))


def _with_copies(report: Report, _: Path | None) -> Report:
    samples, reference = report.samples, report.protocol.reference
    training = samples.training or reference.train
    test = None if isinstance(reference.found_test, NevoaError) else reference.found_test.images
    copies = memorisation(samples.images, training.images, test, samples.mirrored)
    scores = {"near_copies": copies.share, "nearest_distance_ratio": copies.median_ratio}
    warnings = report.warnings if test is not None else (*report.warnings, NO_TEST)
    return replace(report, scores=report.scores | scores, memorisation=copies, warnings=warnings)


def _with_bits(report: Report, _: Path | None) -> Report:
    """Bits per dimension of test images. A conditional model is used unconditionally."""
    samples, seed, test = report.samples, report.protocol.seed, report.protocol.reference.test
    model = cast(Model, samples.model)  # others were refused
    variance = (samples.sampler or model.settings().model_dump())["variance"]
    # Clipped as in Ho et al.: no image lies outside of [-1, 1].
    denoiser = model.denoiser(clip=True)
    model.network.eval()
    chosen = generator(seed, Stream.EVALUATION, 4).permutation(len(test))[:BITS_IMAGES]
    x_0 = to_unit(test.images[np.sort(chosen)]).to(model.device)
    estimates = estimate_bound(denoiser, x_0, variance, seed=seed)
    bound = exact_bound(denoiser, x_0[:EXACT_IMAGES], variance, seed=seed)
    scores = {}
    for name, bits in (("bits_per_dim", estimates), ("bits_per_dim_exact", bound.total)):
        scores |= {name: float(bits.mean()), f"{name}_se": float(bits.std(ddof=1) / np.sqrt(len(bits)))}
    return replace(report, scores=report.scores | scores, bound=bound)


def _with_inception(report: Report, weights: Path | None) -> Report:
    images, protocol = report.samples.images, report.protocol
    scores = inception_scores(images, protocol.reference.test.images, weights, seed=protocol.seed)
    return replace(report, scores=report.scores | scores)


# The other metrics: what is shown meanwhile, and a function of the report so far and the file of Inception weights.
IMAGE_METRICS: dict[MetricName, tuple[str, Callable[[Report, Path | None], Report]]] = {
    "memorisation": ("searching for copies", _with_copies),
    "bits": ("computing bits per dimension", _with_bits),
    "inception": ("computing Inception features", _with_inception),
}


def _few(count: int) -> Iterator[str]:
    """A warning for fewer images than say something."""
    if count < FEW:
        yield (
            f"{counted(count, 'image')} {'is' if count == 1 else 'are'} few: with fewer than {FEW:,}, distances are "
            f"noisy and biased upwards, and shares are coarse (one image is {1 / count:.2g} of all)"
        )


def _warnings(
    features: Features, real: Others, network: FeatureNetwork, metrics: Sequence[MetricName]
) -> Iterator[str]:
    if network.info.accuracy < LOWEST_ACCURACY:
        yield (
            f"the feature network classifies only {network.info.accuracy:.0%} of unseen images correctly: "
            "distances between its features say little"
        )
    if "frechet" in metrics:
        for name, vectors in (("images", features), ("test images", real)):
            if warning := rank_warning(vectors):
                yield f"{name}: {warning}"
