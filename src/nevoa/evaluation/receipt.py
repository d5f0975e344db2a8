"""What a report carries so that anyone can repeat it, and reading it again."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nevoa._util.files import damaged, read_json
from nevoa.config import Config
from nevoa.errors import NevoaError
from nevoa.evaluation.protocol import Protocol
from nevoa.evaluation.samples import Samples
from nevoa.parallel.machine import machine

# A report may come from anywhere; more images than this are no measurement.
MOST_IMAGES = 10_000_000


class SavedReference(BaseModel):
    """Images to compare with: the source as a user types it, and the hash of all that decides distances to them."""

    source: str
    digest: str


class Receipt(BaseModel):
    """How to make the images of a report again, and on which machine they were made.

    Attributes:
        config: of the run that trained the model; None for images from files.
        config_sha256: of that config as JSON.
        training_data: fingerprint of the training images; None if unknown.
        images_sha256: of the pixels of all measured images.
        network_evaluations: that these images took: passes of one image through the network.
        precision: of the network while the images were made.
    """

    model_config = ConfigDict(frozen=True)

    config: dict[str, Any] | None
    config_sha256: str | None
    training_data: str | None
    images_sha256: str
    network_evaluations: int | None
    precision: str | None
    reference: SavedReference
    machine: dict[str, str | int]


class RepeatableProtocol(BaseModel):
    """The part of a report's protocol that decides how it is measured again."""

    name: str
    count: int = Field(ge=1, le=MOST_IMAGES)
    seed: int = Field(ge=0, lt=2**63)
    sampler: dict[str, str | int | float | bool | None] | None
    feature_network: dict[str, Any] | None


class RepeatableReport(BaseModel):
    """The part of a report that decides whether it can be repeated, and what has to come out."""

    model_config = ConfigDict(frozen=True)

    subject: str
    title: str
    images: int = Field(ge=1, le=MOST_IMAGES)
    weights: str | None
    protocol: RepeatableProtocol
    scores: dict[str, float]
    made_with: dict[str, str]
    receipt: Receipt


def versions() -> dict[str, str]:
    """The versions that decide how numbers are rounded."""
    return {
        "nevoa": version("nevoa"),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def config_values(config: Config) -> dict[str, Any]:
    """The keys of a config that are set, by section."""
    return config.model_dump(mode="json", exclude_none=True)


def config_sha256(values: Mapping[str, Any]) -> str:
    """The hash of these keys as JSON. Versions and comments of `config.toml` do not count."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def images_sha256(images: UInt8[np.ndarray, "N H W C"]) -> str:
    """The hash of the pixels of images, in order."""
    return hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()


def receipt_of(samples: Samples, protocol: Protocol) -> Receipt:
    """The receipt of a measurement in this process."""
    model, reference, drawn = samples.model, protocol.reference, samples.drawn
    config = config_values(model.config) if model else None
    return Receipt(
        config=config,
        config_sha256=config_sha256(config) if config else None,
        training_data=samples.training.fingerprint if samples.training else None,
        images_sha256=images_sha256(samples.images),
        network_evaluations=drawn.evaluations if drawn else None,
        precision=drawn.precision if drawn else None,
        reference=SavedReference(source=reference.train.notes.source, digest=reference.digest),
        machine=machine(model.device if model else "cpu"),
    )


def read_report(path: Path) -> RepeatableReport:
    """Read a report that can be repeated. A NevoaError if the file is damaged, or from before there were receipts."""
    values = read_json(path)
    try:
        return RepeatableReport.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "missing":
            raise NevoaError(
                f"{path} has no key {key}: an older nevoa wrote it, or it is no report. 'nevoa evaluate' makes a "
                "new one."
            ) from error
        raise damaged(path, ValueError(f"{key}: {problem['msg']}")) from error
