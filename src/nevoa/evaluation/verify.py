"""Repeat a measurement from its report: what is the same here, and which scores agree within which tolerance."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isclose, sqrt
from typing import Any

from nevoa.config import Config, parse
from nevoa.config.registry import METRICS, SAMPLERS
from nevoa.errors import NevoaError
from nevoa.evaluation.intervals import REACH
from nevoa.evaluation.metrics import Report
from nevoa.evaluation.receipt import RepeatableReport, config_sha256, config_values, images_sha256, versions
from nevoa.evaluation.reference import Reference
from nevoa.parallel.machine import machine
from nevoa.sampling import SamplingOptions, sampler_options

# Where nothing differs, images are equal bit for bit; sums of features may be rounded in another order.
EXACT = 1e-6
# Of scores whose spread no report holds.
LOOSE = 0.01
# What says how far a score can be relied on.
PARTS = "_low", "_high", "_se", "_std"
# Shares of images.
SHARES = "precision", "recall", "coverage", "near_copies"


@dataclass(frozen=True)
class Fact:
    """Something that decides scores, in the report and here.

    Attributes:
        decisive: whether scores cannot be compared if it differs; else it explains a difference.
    """

    name: str
    reported: str
    here: str
    decisive: bool = False

    @property
    def agrees(self) -> bool:
        """Whether it is the same."""
        return self.reported == self.here


@dataclass(frozen=True)
class Check:
    """A score in the report, the same score measured again, and how far apart they may be."""

    name: str
    reported: float
    again: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the tolerance."""
        return abs(self.reported - self.again) <= self.tolerance or isclose(self.reported, self.again, rel_tol=EXACT)


def facts(
    saved: RepeatableReport, reference: Reference, weights: str | None, config: Config | None, device: str = "cpu"
) -> Iterator[Fact]:
    """What decides the scores of a report and can be compared before images are made.

    Args:
        weights: sha256 of the weights here.
        config: of the model here; None for images from files.
        device: on which the images are made again.
    """
    receipt, network_here = saved.receipt, reference.feature_network.info.sha256
    yield _hashes("weights", saved.weights, weights, decisive=True)
    if receipt.training_data and config:
        yield _hashes("training images", receipt.training_data, config.data.fingerprint, decisive=True)
    yield _hashes("feature network", (saved.protocol.feature_network or {}).get("sha256"), network_here, decisive=True)
    yield _hashes("reference", receipt.reference.digest, reference.digest, decisive=True)
    if config:
        same = not changes(saved, config)  # a newer nevoa may know more keys
        here = receipt.config_sha256 if same else config_sha256(config_values(config))
        yield _hashes("config", receipt.config_sha256, here)
    for name, value in versions().items():
        yield Fact(name, saved.made_with.get(name, ""), value)
    now = machine(device)
    for name in {**receipt.machine, **now}:
        yield Fact(name, str(receipt.machine.get(name, "")), str(now.get(name, "")))


def facts_of_images(saved: RepeatableReport, report: Report) -> Iterator[Fact]:
    """What can be compared once images have been made again: the network's precision, and the images themselves."""
    drawn = report.samples.drawn
    if drawn:
        yield Fact("precision", saved.receipt.precision or "", drawn.precision)
    yield _hashes("images", saved.receipt.images_sha256, images_sha256(report.samples.images))


def changes(saved: RepeatableReport, config: Config) -> list[str]:
    """The keys in which the config of a report and that of its model differ, with both values.

    Another path of the same images, or another device, is no difference.
    """
    return parse(saved.receipt.config or {}).moved(config).changes(config)


def check_intact(saved: RepeatableReport) -> None:
    """Raise a NevoaError if the config of a report is not the one that was hashed: somebody edited the report."""
    receipt = saved.receipt
    if receipt.config is not None and config_sha256(receipt.config) != receipt.config_sha256:
        raise NevoaError(
            "The config in the report does not have the hash beside it: the report was edited. 'nevoa evaluate' makes "
            "a new one."
        )


def metrics_of(scores: Iterable[str]) -> list[str]:
    """The metrics that give these scores."""
    names = tuple(scores)
    return [metric for metric, row in METRICS.items() if any(name.startswith(tuple(row.meanings)) for name in names)]


def options_of(sampler: dict[str, Any]) -> dict[str, Any]:
    """The sampling options that give these settings again: without those that the sampler does not have.

    A NevoaError if the sampler was an object, which a report cannot hold.
    """
    if (name := sampler.get("sampler", "")) not in SAMPLERS:
        raise NevoaError(f"The images were made by {sampler.get('sampler')}, which is not a sampler of nevoa.")
    if unknown := sampler.keys() - SamplingOptions.__annotations__.keys():
        raise NevoaError(f"This version of nevoa cannot sample with {', '.join(sorted(unknown))}, as the report says.")
    others = {option for each in SAMPLERS for option in sampler_options(each)} - {*sampler_options(name)}
    return {name: value for name, value in sampler.items() if name not in others}


def checks(saved: RepeatableReport, report: Report, found: Sequence[Fact]) -> Iterator[Check]:
    """Each score of a report beside the score measured again.

    Args:
        found: the facts. If all agree, scores, their errors and intervals may differ by rounding only, 1e-6 of their
            value. Otherwise scores may differ as much as those of other images of the same quality.
    """
    same = all(fact.agrees for fact in found)
    for name, value in saved.scores.items():
        if name not in report.scores:
            raise NevoaError(f"This version of nevoa does not measure {name}: install the one that made the report.")
        if same or not name.endswith(PARTS):
            yield Check(name, value, report.scores[name], EXACT * abs(value) if same else spread(report, name))


def spread(report: Report, name: str) -> float:
    """How much a score varies between sets of images of one quality, in standard deviations.

    It is that of the score's interval, its standard error, or `sqrt(p (1 - p) / N)` of a share p of N images; else
    that of the floor; without one 1 % of the score.
    """
    scores, count = report.scores, len(report.samples.images)
    if f"{name}_low" in scores:
        return (scores[f"{name}_high"] - scores[f"{name}_low"]) / (2 * REACH)
    for part in ("_se", "_std"):
        if f"{name}{part}" in scores:
            return scores[f"{name}{part}"]
    if name in SHARES:
        share = min(max(scores[name], 1 / count), 1 - 1 / count)
        return sqrt(share * (1 - share) / count)
    return report.floor_spread.get(name) or LOOSE * abs(scores[name])


def _hashes(name: str, reported: str | None, here: str | None, decisive: bool = False) -> Fact:
    return Fact(name, f"{reported or 'none':.12}", f"{here or 'none':.12}", decisive)
