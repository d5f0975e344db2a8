"""The metrics: what each needs, how it is computed, and what its scores mean."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Float64, UInt8
from torch import Tensor

from nevoa._util.random import Stream, generator
from nevoa.config.registry import METRICS
from nevoa.data import ImageSet, to_unit
from nevoa.diffusion import AnyDenoiser
from nevoa.errors import NevoaError
from nevoa.evaluation.intervals import Classes, interval_of
from nevoa.evaluation.likelihood import Bound, estimate_bound
from nevoa.evaluation.memorisation import Memorisation, memorisation
from nevoa.evaluation.overfitting import Overfitting, overfitting
from nevoa.evaluation.protocol import Protocol
from nevoa.evaluation.samples import Samples
from nevoa.evaluation.stage import Stage
from nevoa.features.feature_network import FeatureNetwork
from nevoa.features.features import Features
from nevoa.features.frechet import frechet_distance, frechet_influence
from nevoa.features.inception import inception_scores, inception_warnings
from nevoa.features.kernel_distance import PerImage, kernel_distance_and_influence, mean_within
from nevoa.features.precision_recall import K, precision_recall, radii
from nevoa.model import Model
from nevoa.parallel.device import computing

Others = Float64[np.ndarray, "M D"]
# Scores of features, with intervals if the classes of the images are given; a draw of the floor gets none.
FeatureScores = Callable[[Features, Classes | None], dict[str, float]]

# The bound evaluates the network six times for each of so many images.
BITS_IMAGES = 500
ALL_TWINS = "all held-out images are training images too, so near_copies counts exact copies only"
OWN_DISTANCES = "so copies are told by the distances between training images"
NO_TEST = f"there are no test images here, {OWN_DISTANCES}"
OTHER_TEST = f"the test images are of another source, {OWN_DISTANCES}"
NO_TRAINING = "not measured: memorisation. The images that the model was trained on cannot be opened"
NO_LABELS = "not measured: overfitting. The model needs a class for each image, and not all classes of the images"


@dataclass(frozen=True)
class Report:
    """The result of a measurement.

    Attributes:
        scores: by name; `fd_…` and `kd_…` end in the name of the feature network.
        floor: the same scores of as many real training images: the mean of several draws; of `near_copies` what new
            images are expected to score.
        floor_spread: the standard deviation of those; missing for a single draw, of all training images.
        class_shares: share of the images per class, by the feature network.
        warnings: reasons to treat a score with care.
        bound: terms of the likelihood bound, if bits per dimension were measured.
        memorisation: the nearest training images, if they were searched for.
        overfitting: losses on training and held-out images, if they were compared.
        file: where the report was saved; None if it was not.

    Example:
        >>> *_, report = measure(Samples("mine", images), Protocol(reference, count=16), ["memorisation"])
        >>> sorted(report.scores)
        ['near_copies', 'nearest_distance_ratio']
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
    overfitting: Overfitting | None = None
    file: Path | None = None


def _with_interval(name: str, measured: Callable[[Features], tuple[float, PerImage]]) -> FeatureScores:
    """The scores of a distance, which `measured` returns with the influence of each image."""

    def scores(features: Features, classes: Classes | None) -> dict[str, float]:
        distance, influence = measured(features)
        if classes is None:
            return {name: distance}
        _, low, high = interval_of(distance, influence, classes)
        return {name: distance, f"{name}_low": low, f"{name}_high": high}

    return scores


def _frechet_scores(real: Others, network: FeatureNetwork) -> FeatureScores:
    name = f"fd_{network.info.short_name}"
    return _with_interval(name, lambda x: (frechet_distance(x, real), frechet_influence(x, real)))


def _kernel_scores(real: Others, network: FeatureNetwork) -> FeatureScores:
    name, within = f"kd_{network.info.short_name}", mean_within(real)  # once for all draws
    return _with_interval(name, lambda x: kernel_distance_and_influence(x, real, within))


def _manifold_scores(real: Others, _: FeatureNetwork) -> FeatureScores:
    radius = radii(real, K)  # once for the images and all draws
    return lambda x, _: precision_recall(real, x, real_radius=radius)._asdict()


def class_shares(features: Features, network: FeatureNetwork) -> dict[str, float]:
    """Share of the images per most probable class; sums to 1."""
    classes = network.info.classes
    counts = np.bincount(network.probabilities(features).argmax(1), minlength=len(classes))
    return dict(zip(classes, (counts / len(features)).tolist(), strict=True))


def _with_copies(report: Report, _: Path | None) -> Report:
    samples, reference = report.samples, report.protocol.reference
    if reference.foreign and samples.training is None:
        return replace(report, warnings=(*report.warnings, NO_TRAINING))
    training, test, warnings = samples.training or reference.train, None, report.warnings
    if reference.foreign or isinstance(reference.found_test, NevoaError):
        warnings = (*warnings, OTHER_TEST if reference.foreign else NO_TEST)
    else:
        test = reference.found_test.images
    copies = memorisation(samples.images, training.images, test, samples.mirrored)
    scores, floor, spread = {"near_copies": copies.share}, report.floor, report.floor_spread
    if np.isnan(copies.median_ratio):
        warnings = (*warnings, ALL_TWINS)
    else:
        scores["nearest_distance_ratio"] = copies.median_ratio
        floor, spread = floor | {"near_copies": copies.honest}, spread | {"near_copies": copies.honest_spread}
    report = replace(report, scores=report.scores | scores, floor=floor, floor_spread=spread)
    return replace(report, memorisation=copies, warnings=warnings)


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
    with computing(model.device):
        bound = estimate_bound(denoiser, x_0, variance, seed=seed, at_once=model.images_at_once)
    scores = {"bits_per_dim": float(bound.total.mean())}
    if len(x_0) > 1:
        scores["bits_per_dim_se"] = float(bound.total.std(ddof=1) / np.sqrt(len(x_0)))
    return replace(report, scores=report.scores | scores, bound=bound)


def _with_overfitting(report: Report, _: Path | None) -> Report:
    samples, reference = report.samples, report.protocol.reference
    model = cast(Model, samples.model)  # others were refused
    model.network.eval()
    sets = samples.training or reference.train, reference.held_out
    knows = bool(model.classes and not model.plan.conditions) and all(
        {*images.classes} and {*images.classes} <= {*model.classes} for images in sets
    )
    if not knows and not model.plan.works_without_condition:
        return replace(report, warnings=(*report.warnings, NO_LABELS))

    def denoise(labels: Tensor) -> AnyDenoiser:
        return model.denoiser(condition=labels.to(model.device) if knows else None)

    training, held_out = (_labelled_as(model.classes, images) if knows else images for images in sets)
    with computing(model.device):
        found = overfitting(denoise, training, held_out, model.device, report.protocol.seed, model.images_at_once)
    scores = {"overfitting": found.gap}
    if len(found.held_out) > 1:
        scores["overfitting_se"] = found.gap_error
    return replace(report, scores=report.scores | scores, overfitting=found)


def _labelled_as(classes: Sequence[str], images: ImageSet) -> ImageSet:
    """The images with the labels that a model of these classes knows."""
    numbers = np.array([classes.index(name) for name in images.classes])
    return replace(images, labels=numbers[images.labels])


def _with_inception(report: Report, weights: Path | None) -> Report:
    images, protocol = report.samples.images, report.protocol
    test, training = protocol.reference.test.images, protocol.reference.train.images
    scores = inception_scores(images, test, training, weights, seed=protocol.seed)
    warnings = (*report.warnings, *inception_warnings(len(images), weights))
    return replace(report, scores=report.scores | scores, warnings=warnings)


@dataclass(frozen=True)
class Metric:
    """A way to measure images, which gives one score or several.

    Args:
        meanings: of its scores, in a few words, by their names or the first three letters.
        needs: parts of the reference besides training images.
        needs_model: what the error says that a model is needed for; "" for a metric of images alone.
        condition: the kind of condition that a model must know; "" for any model.
        compares: whether it compares distributions, which takes more images than features.
        by_default: whether it is measured if no metrics are named.
        of_images: uint8 `[N, H, W, C]` -> its scores; measured of real images, too, as the floor.
        of_features: takes the real features and the network, and gives a function of features.
        completes: adds to a report, and may yield its progress; takes the file of Inception weights, too.
        stage: what is shown while it is measured.

    Example:
        >>> brightness = Metric({"brightness": "0 = black"}, of_images=lambda x: {"brightness": float(x.mean() / 255)})
    """

    meanings: dict[str, str]
    needs: tuple[str, ...] = ()
    needs_model: str = ""
    condition: str = ""
    compares: bool = False
    by_default: bool = True
    of_images: Callable[[UInt8[np.ndarray, "N H W C"]], Mapping[str, float]] | None = None
    of_features: Callable[[Others, FeatureNetwork], FeatureScores] | None = None
    completes: Callable[[Report, Path | None], Report | Generator[Stage, None, Report]] | None = None
    stage: str = "measuring images"


TEST, TEST_FEATURES, LOWER = ("test",), ("test_count",), "lower is better"
FRECHET = Metric({"fd_": LOWER}, TEST_FEATURES, compares=True, of_features=_frechet_scores)
KERNEL = Metric({"kd_": LOWER}, TEST_FEATURES, compares=True, of_features=_kernel_scores)
MANIFOLD = Metric(
    {
        "precision": "share that looks real",
        "recall": "share of real images near new ones",
        "density": "1 = as dense as real images",
        "coverage": "share of real images with a match",
    },
    TEST_FEATURES,
    compares=True,
    of_features=_manifold_scores,
)
CLASSES = Metric(
    {"confidence": "mean probability of the predicted class"},
    ("classifier",),
    of_features=lambda _, network: lambda x, _: {"confidence": float(network.probabilities(x).max(1).mean())},
)
MEMORISATION = Metric(
    {
        "near_copies": "as the floor without copying; more with copies",
        "nearest_distance_ratio": "1 = as far from training images as held-out images",
    },
    completes=_with_copies,
    stage="searching for copies",
)
BITS = Metric(
    {"bits_per_dim": "upper bound on held-out images; lower is better"},
    TEST,
    needs_model="Bits per dimension need",
    completes=_with_bits,
    stage="computing bits per dimension",
)
OVERFITTING = Metric(
    {"overfitting": "by how much the loss is larger on held-out images; 0 = not at all"},
    ("held_out",),
    needs_model="Losses need",
    completes=_with_overfitting,
    stage="comparing losses",
)
INCEPTION = Metric(
    {"fid": LOWER, "fid_train": "lower is better; against the training images", "kid": LOWER},
    TEST,
    by_default=False,  # it needs an extra, a download and photographs
    completes=_with_inception,
    stage="computing Inception features",
)


def meaning(score: str) -> str:
    """Return the meaning of a score in a few words; "" if nothing is known."""
    meanings = {name: text for row in METRICS.values() for name, text in row.meanings.items()}
    return meanings.get(score, meanings.get(score[:3], ""))
