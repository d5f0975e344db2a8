"""What is measured: a run's model and the images it makes, or images from files."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from nevoa.data import ImageSet, load_images, read_unchanged, to_bytes
from nevoa.errors import NevoaError
from nevoa.evaluation.progress import Stage
from nevoa.evaluation.reference import Reference
from nevoa.model import Model
from nevoa.runs.run import Run

Images = UInt8[np.ndarray, "N H W C"]


@dataclass(frozen=True)
class Samples:
    """Images, and what is known of where they come from.

    Attributes:
        name: the run folder or file.
        model: what made them; None where they come from files.
        training: what the model was trained on; None where that is not known.
        mirrored: whether the mirror images of the training images were trained on as well.
        sampler: how they were made.
    """

    name: str
    images: Images
    model: Model | None = None
    training: ImageSet | None = None
    mirrored: bool = True
    sampler: dict[str, Any] | None = None


def from_files(path: Path, count: int) -> Samples:
    """The first `count` images of an .npy file or a folder; all if there are fewer."""
    return Samples(str(path), read_unchanged(path, count))


def from_run(run: Run, reference: Reference, count: int, seed: int, **settings: Any) -> Iterator[Stage | Samples]:
    """`count` new images of a run's model; `settings` are those of `Model.sample`. The last item is the Samples.

    Its model computes in float32 from here on: likelihoods are of the weights, not of a precision.

    A NevoaError if the images that it was trained on are no longer what they were.
    """
    model, data = run.model(), run.config().data
    reference.check_shape(model.shape)
    training = load_images(data)
    if data.fingerprint not in (None, training.fingerprint):
        raise NevoaError(
            f"The images of {data.source} are no longer those that {run.folder} was trained on: copies of those cannot "
            "be looked for. Measure images instead: 'nevoa sample' makes them, 'nevoa evaluate IMAGES.npy' takes them."
        )
    sampling = model.settings(**settings).model_dump()
    parts: list[Images] = []
    drawn, total = 0, count * sampling["steps"]
    labels = classes_in_shares(training, count) if model.classes else None
    for states in model.trajectories(count, seed=seed, labels=labels, **settings):
        x_t = next(states).x_t
        for state in states:
            x_t, drawn = state.x_t, drawn + len(x_t)
            yield Stage("drawing", drawn, total)
        parts.append(to_bytes(x_t))
    yield Samples(
        str(run.folder), np.concatenate(parts), replace(model, precision="float32"), training, bool(data.flip), sampling
    )


def classes_in_shares(training: ImageSet, count: int) -> list[str]:
    """The classes of `count` new images, each with the share that it has among `training`.

    Each image is of the class that is furthest behind its share, so that any first part is in these shares too: all
    classes in turn, where they are of one size.
    """
    shares, given = np.bincount(training.labels, minlength=len(training.classes)), np.zeros(len(training.classes), int)
    classes = []
    for number in range(1, count + 1):
        label = int(np.argmax(shares * number - given * len(training)))
        given[label] += 1
        classes.append(training.classes[label])
    return classes
