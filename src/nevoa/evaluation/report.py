"""A report as files: JSON for machines, a sheet for eyes, a paragraph for the run's card."""

import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nevoa._util.files import published, write_text
from nevoa.evaluation.measure import Report, training_images
from nevoa.evaluation.memorisation import Memorisation, picked
from nevoa.pictures import quality_sheet
from nevoa.runs.run import Run

FORMAT = 1
PAIRS = 16
HEADING = "## Quality"


def as_dict(report: Report) -> dict[str, Any]:
    """Everything that was measured, and how, as plain JSON values."""
    values: dict[str, Any] = {
        "format": FORMAT,
        "subject": report.subject.name,
        "images": len(report.subject.images),
        "protocol": report.protocol.as_dict(),
        "scores": report.scores,
        "floor": report.floor,
        "class_shares": report.class_shares,
        "warnings": list(report.warnings),
        "made_with": {"nevoa": version("nevoa"), "torch": str(torch.__version__), "python": platform.python_version()},
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if report.course:
        values["by_timestep"] = {"bits": report.course.bits.tolist(), "noise_loss": report.course.noise_loss.tolist()}
    return values


def save(report: Report, run: Run) -> Path:
    """Write the report into the run folder, in place of an earlier one of the same images and reference.

    Returns the JSON's path; the sheet is beside it, and the run's card says what was measured.
    """
    path = run.folder / "evaluation" / f"{_name(report)}.json"
    write_text(path, json.dumps(as_dict(report), indent=2) + "\n")
    with published(path.with_suffix(".png")) as temporary:
        quality_sheet(*_pairs(report), **_curves(report)).save(temporary)
    _update_card(run, report, path)
    return path


def _name(report: Report) -> str:
    """All that tells one measurement of a run from another."""
    sampler, protocol = report.subject.sampler or {}, report.protocol
    drawn = f"{sampler['sampler']}-{sampler['steps']}-{sampler['spacing']}-eta{sampler['eta']:g}"
    if sampler["guidance"] != 1:
        drawn += f"-guidance{sampler['guidance']:g}"
    return f"{drawn}-{protocol.count}-seed{protocol.seed}-{protocol.reference.feature_network.card.short_name}"


def _pairs(report: Report) -> tuple[np.ndarray, np.ndarray | None]:
    """The first images, and after them those nearest to a training image; and their nearest training images."""
    images, memory = report.subject.images, report.memory
    if memory is None:
        return images[: 2 * PAIRS], None
    chosen = np.concatenate([np.arange(min(PAIRS, len(images))), np.argsort(memory.distance)[:PAIRS]])
    return images[chosen], _nearest(report, memory, chosen)


def _nearest(report: Report, memory: Memorisation, chosen: np.ndarray) -> np.ndarray:
    training = training_images(report.subject, report.protocol)
    return np.stack([picked(training, int(index)) for index in memory.nearest[chosen]])


def _curves(report: Report) -> dict[str, np.ndarray]:
    course = report.course
    return {"noise_loss": course.noise_loss, "bits": course.bits} if course else {}


def _update_card(run: Run, report: Report, path: Path) -> None:
    """Put what was measured where the card says that nothing was."""
    card = run.card.read_text(encoding="utf-8") if run.card.is_file() else ""
    before, _, _ = card.partition(HEADING)
    lines = [f"| {name} | {score:.4g} | {_floor(report, name)} |" for name, score in report.scores.items()]
    protocol = report.protocol
    departures = f" ({'; '.join(protocol.departures)})" if protocol.departures else ""
    sampler = report.subject.sampler or {}
    text = f"""{HEADING}

{len(report.subject.images):,} images by {sampler["sampler"]} in {sampler["steps"]} steps, protocol {protocol.name}\
{departures}; the floor is what real training images score.

| | score | floor |
| --- | --- | --- |
{chr(10).join(lines)}

![samples beside their nearest training images, and the loss by noise level](evaluation/{path.with_suffix(".png").name})
"""
    write_text(run.card, before + text)


def _floor(report: Report, name: str) -> str:
    return f"{report.floor[name]:.4g}" if name in report.floor else ""
