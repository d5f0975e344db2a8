"""Repeat a measurement from its report: compare facts and scores here with those of the report."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

from nevoa.config import ModelPlan, flat
from nevoa.config.plan import PLACE
from nevoa.config.registry import METRICS, SAMPLERS
from nevoa.errors import NevoaError
from nevoa.evaluation.intervals import REACH, error_of_share
from nevoa.evaluation.metrics import Report
from nevoa.evaluation.receipt import DIGITS, RepeatableReport
from nevoa.runs.reports import is_part
from nevoa.sampling import SamplingOptions, sampler_options
from nevoa.sampling.options import OF_SAMPLERS

# Where nothing differs, images are equal bit for bit; sums of features may be rounded in another order.
EXACT = 1e-6
# The tolerance of a score whose spread no report holds, as a share of it.
LOOSE = 0.01
# Facts without which scores cannot be compared; the others explain a difference.
DECISIVE = "weights", "training images", "feature network", "reference"
# Facts that are compared where both sides know them: images are made last, and some models lack their training images.
ON_BOTH_SIDES = "training images", "precision", "images"
# Shares of the images, and of the real ones.
SHARES, REAL_SHARES = ("precision", "near_copies"), ("recall", "coverage")


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
        return abs(self.reported - self.again) <= self.tolerance or isclose(self.reported, self.again, rel_tol=EXACT)


def facts(saved: RepeatableReport, here: Mapping[str, str], plan: ModelPlan | None) -> Iterator[Fact]:
    """Yield what decides the scores of a report.

    Args:
        here: what `facts_of` and, once images have been made again, `facts_of_images` know.
        plan: of the model; None for images from files.
    """
    reported = saved.receipt.facts
    if plan:
        present = plan.model_dump(mode="json", exclude_none=True)
        yield Fact("config", _recipe(saved.receipt.config or {}), _recipe(present))
    for name in dict.fromkeys([*reported, *here]):
        if name in reported.keys() & here or name not in ON_BOTH_SIDES:
            yield Fact(name, reported.get(name, ""), here.get(name, ""), name in DECISIVE)


def _recipe(plan: Mapping[str, Any]) -> str:
    """Return a hash of a plan, without the path of the images and without what belongs to a device."""
    values = {key: value for key, value in flat(plan).items() if key not in ("data.source", *PLACE)}
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:DIGITS]


def metrics_of(scores: Iterable[str]) -> list[str]:
    """The metrics that give these scores. A NevoaError if none gives one of them."""
    found = {
        name: [metric for metric, row in METRICS.items() if name.startswith(tuple(row.meanings))] for name in scores
    }
    for name, metrics in found.items():
        if not metrics:
            raise _not_measured(name)
    return [metric for metric in METRICS if any(metric in metrics for metrics in found.values())]


def _not_measured(score: str) -> NevoaError:
    return NevoaError(
        f"Nothing here measures {score}: install the plugin or the version of nevoa that made the report."
    )


def options_of(sampler: dict[str, Any]) -> dict[str, Any]:
    """The sampling options that give these settings again: without those that the sampler does not have.

    A NevoaError if the sampler was an object, which a report cannot hold.
    """
    if (name := sampler.get("sampler", "")) not in SAMPLERS:
        raise NevoaError(f"The images were made by {sampler.get('sampler')}, which is not a sampler of nevoa.")
    if unknown := sampler.keys() - SamplingOptions.__annotations__.keys():
        raise NevoaError(f"This version of nevoa cannot sample with {', '.join(sorted(unknown))}, as the report says.")
    own = sampler_options(name)
    return {name: value for name, value in sampler.items() if name in own or name not in OF_SAMPLERS}


def checks(saved: RepeatableReport, report: Report, found: Sequence[Fact]) -> Iterator[Check]:
    """Each score of a report beside the score measured again.

    Args:
        found: the facts. If all agree, scores, their errors and intervals may differ by rounding only, 1e-6 of their
            value. Otherwise scores may differ as much as those of other images of the same quality.
    """
    same = all(fact.agrees for fact in found)
    for name, value in saved.scores.items():
        if name not in report.scores:
            raise _not_measured(name)
        if same or not is_part(name, saved.scores):
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
        return error_of_share(scores[name], count)
    if name in REAL_SHARES:
        return error_of_share(scores[name], report.protocol.reference.test_count)
    return report.floor_spread.get(name) or LOOSE * abs(scores[name])
