"""Write a report: JSON, a picture, and a section of the run's card."""

import math
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from nevoa.errors import NevoaError
from nevoa.evaluation.measure import FEW
from nevoa.evaluation.metrics import LOWER, Report, meaning
from nevoa.evaluation.receipt import receipt_of
from nevoa.pictures import quality_sheet
from nevoa.runs import Run, card
from nevoa.runs.reports import FORMAT, SavedReport, best_report, merged

PAIRS = 16
# Scores that are known of few images, too.
FIRST = "near_copies", "nearest_distance_ratio", "overfitting", "recall"
# The standard deviation of equal values is not exactly 0.
ROUNDING = 1e-12


def as_dict(report: Report) -> dict[str, Any]:
    """Everything that was measured, and how, as plain JSON values.

    Example:
        >>> as_dict(report)["scores"] == report.scores
        True
    """
    values: dict[str, Any] = {
        "format": FORMAT,
        "subject": report.samples.name,
        "title": report.samples.title,
        "weights": report.samples.weights,
        "images": len(report.samples.images),
        "protocol": report.protocol.as_dict(),
        "scores": report.scores,
        "floor": report.floor,
        "floor_spread": report.floor_spread,
        "class_shares": report.class_shares,
        "warnings": list(report.warnings),
        "receipt": receipt_of(report.samples, report.protocol).model_dump(mode="json"),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if report.bound:
        timesteps, bits = report.bound.curve
        values["by_timestep"] = {"t": timesteps.tolist(), "bits": bits.tolist()}
    if found := report.overfitting:
        errors = {name: getattr(found, name).mean(0).tolist() for name in ("training", "held_out")}
        values["by_level"] = {"t": found.timesteps.tolist(), **errors}
    return values


def in_order(report: Report) -> dict[str, str]:
    """Return the meaning of each score, in the order to read them: with few real images, distances come last."""
    reference, meanings = report.protocol.reference, {name: meaning(name) for name in report.scores}
    real = reference.test_count if reference.has_test else 0
    if min(real, len(reference.train)) >= FEW:
        return meanings
    doubt = f"; uncertain with {real:,} real images" if real < FEW else ""
    last = {name: text + doubt for name, text in meanings.items() if text.startswith(LOWER)}
    first = {name: meanings[name] for name in FIRST if name in meanings}
    return first | {name: text for name, text in meanings.items() if name not in last} | last


def save(report: Report, run: Run) -> Path:
    """Write a report into the run folder, and the best report of the run into its card.

    Scores of an earlier report on the same images are kept, and so is its picture if the new one would show less.
    Returns the path of the JSON; the picture is beside it.

    Example:
        >>> path = nevoa.evaluation.save(report, run)
    """
    name = _name(report)
    path = run.evaluation_file(name)
    values = merged(as_dict(report), path)
    shows_less = "near_copies" in values["scores"] and report.memorisation is None and path.with_suffix(".png").exists()
    sheet = None if shows_less else quality_sheet(*_pairs(report), **_curves(values))
    run.save_evaluation(name, values, sheet)
    if found := best_report(run):
        shown, best = found
        section = _markdown(best, shown.with_suffix(".png").relative_to(run.folder).as_posix())
        try:
            card.set_quality(run, section)
        except NevoaError as error:  # the report is saved
            warnings.warn(f"The model card does not show the scores: {error}", stacklevel=2)
    return path


def rounded(value: float, error: float | None) -> str:
    """A value ± its error, both to two digits of the error; without an error, the value to four digits."""
    if not error or not math.isfinite(error) or error < ROUNDING * abs(value):
        return f"{value:.4g}"
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f}±{error:.{decimals}f}"


def _name(report: Report) -> str:
    """Tells two measurements of a run apart."""
    sampler, made = report.samples.sampler, "images"
    if sampler:
        made = f"{sampler['sampler']}-{sampler['steps']}-{sampler['spacing']}-eta{sampler['eta']:g}"
        weights = sampler["guidance"] if isinstance(sampler["guidance"], Mapping) else {"": sampler["guidance"]}
        made += "".join(f"-guidance{kind}{weight:g}" for kind, weight in weights.items() if weight != 1)
        weight = sampler.get("autoguidance", 1)  # older reports have none
        made += f"-autoguidance{weight:g}" if weight != 1 else ""
        made += "-large" * (sampler["variance"] == "large") + "-unclipped" * (not sampler["clip"])
    return f"{made}-{report.protocol.suffix}"


def _curves(values: Mapping[str, Any]) -> dict[str, Any]:
    """The curves of the sheet: losses of both kinds of images, and the terms of the bound."""
    bits, levels = values.get("by_timestep"), values.get("by_level")
    names = {"training images": "training", "held-out images": "held_out"}
    losses = {name: (levels["t"], levels[key]) for name, key in names.items()} if levels else None
    return {"noise_loss": losses, "bits": (bits["t"], bits["bits"]) if bits else None}


def _pairs(report: Report) -> tuple[np.ndarray, np.ndarray | None]:
    """The first images, then those closest to a training image; and the closest training image of each.

    If there are few, they are all in the second part.
    """
    images, copies = report.samples.images, report.memorisation
    if copies is None:
        return images[: 2 * PAIRS], None
    firsts = np.arange(PAIRS if len(images) > PAIRS else 0)
    chosen = np.concatenate([firsts, np.argsort(copies.distance)[:PAIRS]])
    return images[chosen], copies.nearest[chosen]


def _markdown(report: SavedReport, picture: str) -> str:
    floor = {name: rounded(score, report.floor_spread.get(name)) for name, score in report.floor.items()}
    rows = "\n".join(f"| {name} | {score:.4g} | {floor.get(name, '')} |" for name, score in report.scores.items())
    departures = f" ({'; '.join(report.protocol.departures)})" if report.protocol.departures else ""
    return f"""{report.title}, protocol {report.protocol.name}{departures}.
The floor is the score of as many real training images: the mean of several draws ± their standard deviation. That of
near_copies is what new images are expected to score.

| | score | floor |
| --- | --- | --- |
{rows}

![samples beside their nearest training images, and the loss by noise level]({picture})
"""
