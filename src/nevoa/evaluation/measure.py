"""From images to a report, one metric after another."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nevoa.config import ModelPlan
from nevoa.config.registry import METRICS
from nevoa.errors import NevoaError
from nevoa.evaluation.intervals import Classes
from nevoa.evaluation.metrics import Others, Report, class_shares
from nevoa.evaluation.protocol import Protocol
from nevoa.evaluation.reference import Reference
from nevoa.evaluation.samples import Samples
from nevoa.evaluation.stage import Stage
from nevoa.features.features import Features, check_features
from nevoa.features.precision_recall import K

# With fewer images, bias and noise of a Fréchet distance are as large as the differences of interest.
FEW = 2048
# Features of a network that is wrong more often than this do not describe the images.
LOWEST_ACCURACY = 0.6


def measure(
    samples: Samples,
    protocol: Protocol,
    metrics: Sequence[str] | None = None,
    inception_weights: Path | None = None,
) -> Iterator[Stage | Report]:
    """Measure images by a protocol. Yields a Stage before each piece of work, and the Report at the end.

    Args:
        metrics: by default all that can be computed but inception, which needs an extra, a download and photographs.
        inception_weights: file with torch-fidelity's Inception weights; None downloads them once.

    A NevoaError if the images do not have the shape of the reference or are all equal, or if a metric is named that
    cannot be computed: bits per dimension need a model, others test images, a feature network or more images.

    Example:
        >>> reference = Reference.of(DataConfig(source="fashion_mnist"))
        >>> *_, report = measure(Samples("mine", images), Protocol(reference, len(images)))
        >>> print(report.scores)
    """
    reference, count = protocol.reference, len(samples.images)
    plan = samples.model.plan if samples.model else None
    tests = [("test images", reference.test_count)] if reference.has_test else []
    few = (_few(name, number) for name, number in [("images", count), *tests] if number < FEW)
    warnings = (*few, *(() if metrics else left_out(reference, count, plan)))
    _, height, width, channels = samples.images.shape
    reference.check_shape((channels, height, width))
    metrics = choose_metrics(reference, metrics, count, plan)
    report = Report(samples, protocol, {}, {}, {}, {}, warnings)
    if any(METRICS[name].of_features for name in metrics):
        yield Stage("computing features")
        features = reference.feature_network.features(samples.images)
        check_features(features, "images")
        real = reference.features() if reference.has_test else features[:0]
        if len(real):
            check_features(real, "test images")
        yield Stage("comparing features")
        report = _compared(report, metrics, features, real)
    for name, row in METRICS.items():
        if name in metrics and row.of_images:
            yield Stage(row.stage)
            report = _scored(report, name, row.of_images)
        if name in metrics and row.completes:
            yield Stage(row.stage)
            completed = row.completes(report, inception_weights)
            report = completed if isinstance(completed, Report) else (yield from completed)
    yield report


def check_count(count: int, reference: Reference) -> None:
    """Raise a NevoaError if there are fewer images than features, too few to compare their distributions.

    Example:
        >>> check_count(2048, Reference.of(DataConfig(source="fashion_mnist")))
    """
    width = reference.feature_network.width
    for name, number in (("images", count), ("test images", reference.test_count)):
        if number < width:
            raise NevoaError(
                f"The number of {name} is {number:,}, but distances between {width} features need at least {width}, "
                f"and {FEW:,} to be reliable."
            )


def choose_metrics(
    reference: Reference, metrics: Sequence[str] | None, count: int, plan: ModelPlan | None = None
) -> Sequence[str]:
    """The metrics to compute, by default all but inception that can be. A NevoaError if one that is named cannot.

    Args:
        count: number of images.
        plan: of the model that made them; None if it is unknown.

    Example:
        >>> list(choose_metrics(reference, ["memorisation"], count=16))
        ['memorisation']
    """
    if metrics is None:
        able = [name for name, row in METRICS.items() if row.by_default and (plan or not row.needs_model)]
        return [name for name in able if not _obstacle(name, reference, count, plan)]
    for name in metrics:
        if (needs := METRICS[name].needs_model) and not plan:
            raise NevoaError(f"{needs} a model. Name a run, or leave {name} out of --metrics.")
        if why := _obstacle(name, reference, count, plan):
            can = ",".join(choose_metrics(reference, None, count, plan))
            raise NevoaError(f"Cannot measure {name}. {why} What can be measured: --metrics {can}.")
    return metrics


def left_out(reference: Reference, count: int, plan: ModelPlan | None = None) -> tuple[str, ...]:
    """The metrics that cannot be computed, and why: a sentence for each reason, without a full stop.

    Args:
        plan: as for `choose_metrics`.

    Example:
        >>> len(left_out(reference, count=16))
        2
    """
    reasons: dict[str, list[str]] = {}
    for name, row in METRICS.items():
        applies = not row.condition or (plan is not None and row.condition in plan.conditions)
        if row.by_default and applies and (why := _obstacle(name, reference, count, plan)):
            reasons.setdefault(why, []).append(name)
    return tuple(f"not measured: {', '.join(names)}. {why.removesuffix('.')}" for why, names in reasons.items())


def _obstacle(metric: str, reference: Reference, count: int, plan: ModelPlan | None) -> str | None:
    """Why a metric of so many images cannot be computed."""
    if plan and METRICS[metric].needs_model and plan.distilled_from:
        return f"A distilled model estimates x_0 at few timesteps only: measure its teacher, {plan.distilled_from}."
    if plan and metric == "bits" and not plan.works_without_condition:
        return "The model was trained with training.label_dropout=0, so it needs a class for each image."
    if (kind := METRICS[metric].condition) and plan and kind not in plan.conditions:
        return f"The model was not trained with training.condition={kind}."
    try:
        for part in METRICS[metric].needs:
            getattr(reference, part)
        if METRICS[metric].compares:
            check_count(count, reference)
            if len(reference.train) <= K:
                return f"The floor takes more than {K} training images: give more."
        if metric == "inception" and min(count, len(reference.test)) < 2:
            return "A covariance takes two images: give more."
        alone = isinstance(reference.found_test, NevoaError) and len(reference.train) < 2
        if metric == "memorisation" and alone and not reference.foreign:
            return "To tell copies from new images takes test images, or two or more training images."
    except NevoaError as error:
        return str(error)
    return None


def _compared(report: Report, metrics: Sequence[str], features: Features, real: Others) -> Report:
    """The report with what is computed from features alone."""
    reference, seed = report.protocol.reference, report.protocol.seed
    network = reference.feature_network
    chosen = [row.of_features(real, network) for name, row in METRICS.items() if name in metrics and row.of_features]

    def scores(x: Features, classes: Classes | None = None) -> dict[str, float]:
        return {name: score for row in chosen for name, score in row(x, classes).items()}

    draws = [scores(x) for x in reference.floor_features(len(features), seed)]
    report = _beside_floor(report, scores(features, report.samples.classes), draws)
    shares = class_shares(features, network) if "classes" in metrics else {}
    warnings = report.warnings
    if network.info.accuracy < LOWEST_ACCURACY:
        said = f"the feature network only {network.info.skill}: distances between its features say little"
        warnings = (*warnings, said)
    if reference.advice:
        warnings = (*warnings, f"the features are of random weights. Better ones take minutes: {reference.advice}")
    return replace(report, class_shares=shares, warnings=warnings)


def _scored(report: Report, name: str, of_images: Callable[[np.ndarray], Mapping[str, float]]) -> Report:
    """The report with a metric's scores of its images, and of as many real ones."""
    images, reference = report.samples.images, report.protocol.reference
    given = of_images(images)
    if not isinstance(given, Mapping):
        raise NevoaError(f"The metric {name} must return a dict, such as {{'{name}': 0.5}}, not {given!r:.60}.")
    for score in given:
        owners = [metric for metric, row in METRICS.items() if score.startswith(tuple(row.meanings))]
        if name not in owners:
            raise NevoaError(f"The metric {name} gives the score {score}, which is not in its meanings: add it.")
        if len(owners) > 1:
            raise NevoaError(f"The metrics {' and '.join(owners)} both give the score {score}: rename one of them.")
    draws = reference.floor_images(len(images), report.protocol.seed)
    scores = {score: float(value) for score, value in given.items()}
    return _beside_floor(report, scores, [of_images(real) for real in draws])


def _beside_floor(report: Report, scores: dict[str, float], draws: Sequence[Mapping[str, float]]) -> Report:
    """The report with more scores, and with the mean of those of the draws and, of several, the standard deviation."""
    values = {name: [draw[name] for draw in draws] for name in draws[0]}
    floor = report.floor | {name: float(np.mean(each)) for name, each in values.items()}
    spread = {name: float(np.std(each, ddof=1)) for name, each in values.items() if len(draws) > 1}
    new = {"scores": report.scores | scores, "floor": floor, "floor_spread": report.floor_spread | spread}
    return replace(report, **new)


def _few(name: str, count: int) -> str:
    return (
        f"the number of {name}, {count:,}, is small: below {FEW:,}, distances are noisy and biased upwards, and shares "
        f"are coarse (one image is {1 / count:.2%}). Rather look at near copies, overfitting and the picture"
    )
