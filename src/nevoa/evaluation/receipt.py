"""The part of a report by which anyone can repeat it."""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nevoa._util.files import damaged, read_json
from nevoa._util.versions import check_format
from nevoa.config import ModelPlan, Plan
from nevoa.errors import NevoaError
from nevoa.evaluation.protocol import Protocol
from nevoa.evaluation.reference import Reference
from nevoa.evaluation.samples import Samples
from nevoa.parallel.machine import machine
from nevoa.runs.reports import FORMAT, SavedProtocol, SavedReport

# A report may come from anywhere; more images than this are no measurement.
MOST_IMAGES = 10_000_000
# The number of digits of a hash that a report keeps.
DIGITS = 16


class SavedReference(BaseModel):
    """Images to compare with: the source as a user types it, and the hash of all that decides distances to them."""

    source: str
    digest: str


class Receipt(BaseModel):
    """How to make the images of a report again, and what decided its scores.

    Attributes:
        config: the plan of the model; None for images from files.
        network_evaluations: that these images took: passes of one image through the network.
        facts: hashes, versions, and the machine, by name: see `facts_of`.
    """

    model_config = ConfigDict(frozen=True)

    config: dict[str, Any] | None
    network_evaluations: int | None
    reference: SavedReference
    facts: dict[str, str]


class RepeatableProtocol(SavedProtocol):
    """The protocol of a report with what decides how it is measured again."""

    count: int = Field(ge=1, le=MOST_IMAGES)
    seed: int = Field(ge=0, lt=2**63)
    sampler: dict[str, str | int | float | bool | dict[str, float] | None] | None


class RepeatableReport(SavedReport):
    """A report with all that repeats it."""

    subject: str
    images: int = Field(ge=1, le=MOST_IMAGES)
    protocol: RepeatableProtocol  # pyright: ignore[reportIncompatibleVariableOverride]
    receipt: Receipt


def facts_of(reference: Reference, weights: str | None, plan: ModelPlan | None, device: str = "cpu") -> dict[str, str]:
    """Return what decides scores and is known before images are made: hashes, versions, and the machine.

    Args:
        weights: sha256 of the weights; None for a model that has no file of its own, and for images from files.
        plan: of the model; None for images from files.
        device: on which images are made.
    """
    hashes = {
        "weights": weights,
        "training images": plan.data.fingerprint if isinstance(plan, Plan) else None,
        "feature network": reference.feature_network.info.sha256,
        "reference": reference.digest,
    }
    versions = {
        "nevoa": version("nevoa"),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    known = {name: value[:DIGITS] for name, value in hashes.items() if value}
    return known | versions | {name: str(value) for name, value in machine(device).items()}


def facts_of_images(samples: Samples) -> dict[str, str]:
    """Return what is known once images have been made: the precision of the network, and a hash of the pixels."""
    pixels = hashlib.sha256(np.ascontiguousarray(samples.images).data).hexdigest()[:DIGITS]
    return ({"precision": samples.precision} if samples.precision else {}) | {"images": pixels}


def receipt_of(samples: Samples, protocol: Protocol) -> Receipt:
    """Return the receipt of a measurement in this process."""
    model, reference = samples.model, protocol.reference
    plan, device = (model.plan, model.device) if model else (None, "cpu")
    return Receipt(
        config=plan.model_dump(mode="json", exclude_none=True) if plan else None,
        network_evaluations=samples.evaluations,
        reference=SavedReference(source=reference.train.notes.source, digest=reference.digest),
        facts=facts_of(reference, samples.weights, plan, device) | facts_of_images(samples),
    )


def read_report(path: Path) -> RepeatableReport:
    """Read a report that can be repeated. A NevoaError if the file is damaged or no report."""
    values = read_json(path)
    check_format(path, values.get("format", FORMAT), FORMAT)
    try:
        return RepeatableReport.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "missing":
            raise NevoaError(
                f"{path} is not a report: it has no key {key}. 'nevoa evaluate' writes reports."
            ) from error
        raise damaged(path, ValueError(f"{key}: {problem['msg']}")) from error
