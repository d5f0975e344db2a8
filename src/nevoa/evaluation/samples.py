"""The images to measure: new ones of a run's model, or images from files."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8
from torch import nn

from nevoa._util.arguments import counted
from nevoa._util.files import sha256
from nevoa.config import DataConfig
from nevoa.config.names import PrecisionName
from nevoa.data import ImageSet, changed_files, load_images, read_unchanged, to_bytes
from nevoa.errors import NevoaError
from nevoa.evaluation.reference import Reference
from nevoa.evaluation.shares import classes_in_shares
from nevoa.evaluation.stage import Stage
from nevoa.model import Model
from nevoa.parallel.group import process_group
from nevoa.runs import Run
from nevoa.sampling import State

Images = UInt8[np.ndarray, "N H W C"]
FEWEST = 5


@dataclass(frozen=True)
class Samples:
    """Images, and what is known about their origin.

    Attributes:
        name: the run folder or file.
        model: made the images; None for images from files.
        training: images that the model was trained on; None if unknown.
        mirrored: whether they may be mirrored training images; with `mirror`, which augments, they are not.
        sampler: settings that the images were made with; None for images from files.
        weights: sha256 of the file of the model's weights; None for images from files.
        evaluations: passes of one image through the network, for all images; None for images from files.
        precision: of the numbers in the network then; None for images from files.

    Example:
        >>> samples = Samples("mine", images)
    """

    name: str
    images: Images
    model: Model | None = None
    training: ImageSet | None = None
    mirrored: bool = True
    sampler: dict[str, Any] | None = None
    weights: str | None = None
    evaluations: int | None = None
    precision: PrecisionName | None = None

    @property
    def title(self) -> str:
        """Number of images and how they were made."""
        made = f" by {self.sampler['sampler']} in {self.sampler['steps']} steps" if self.sampler else ""
        return f"{counted(len(self.images), 'image')}{made}"

    @property
    def classes(self) -> Int64[np.ndarray, " N"]:
        """Return the label of each image if a model made the classes in fixed shares, otherwise zeros.

        Classes of fewer than `FEWEST` images share one label: within a class of two, images vary half as much as they
        would, and within a class of one not at all.
        """
        count = len(self.images)
        if self.model is None or self.training is None or not self.model.classes or self.model.plan.conditions:
            return np.zeros(count, np.int64)
        _, labels, counts = np.unique(classes_in_shares(self.training, count), return_inverse=True, return_counts=True)
        return np.where(counts[labels] < FEWEST, len(counts), labels)


def from_files(path: Path, count: int) -> Samples:
    """The first `count` images of an .npy file or a folder; all if there are fewer.

    Example:
        >>> np.save("mine.npy", images)
        >>> len(from_files(Path("mine.npy"), count=8).images)
        8
    """
    return Samples(str(path), read_unchanged(path, count))


def from_run(run: Run, reference: Reference, count: int, seed: int, **options: Any) -> Iterator[Stage | Samples]:
    """Make `count` images with a run's model; the last item is the Samples.

    The model of the Samples computes in float32: a likelihood belongs to the weights, not to a precision.

    Args:
        options: those of `Model.sample`.

    A NevoaError if the training images have changed since the training.

    Example:
        >>> *_, samples = from_run(run, reference, count=16, seed=0, steps=4)
    """
    model, weights, data = run.model(), sha256(run.weights_file), run.plan().data
    reference.check_shape(model.shape)  # before the training images are loaded
    training = _training_images(data, reference)
    if training and data.fingerprint != training.fingerprint:
        sentences = (
            f"The images of {data.source} have changed since {run.folder} was trained, so copies of training images "
            "cannot be found.",
            changed_files(data.fingerprint, training.fingerprint),
            "Make images with 'nevoa sample --out IMAGES.npy' and evaluate the file.",
        )
        raise NevoaError(" ".join(filter(None, sentences)))
    model = replace(model, like=training)
    by_class = training and model.classes and not model.plan.conditions
    labels = classes_in_shares(training, count) if training and by_class else None
    for made in from_model(model, reference, count, seed, labels=labels, **options):
        if isinstance(made, Stage):
            yield made
        else:
            yield replace(
                made, name=str(run.folder), training=training, mirrored="flip" in data.augment, weights=weights
            )


def _training_images(data: DataConfig, reference: Reference) -> ImageSet | None:
    """The images that a run was trained on; None if they cannot be opened, where images of another source will do."""
    try:
        return load_images(data)
    except NevoaError:
        if not reference.foreign:
            raise
    return None


def from_model(model: Model, reference: Reference, count: int, seed: int, **options: Any) -> Iterator[Stage | Samples]:
    """Make `count` images with a model whose training images are unknown, all classes in turn, as `from_run` does.

    Example:
        >>> *_, samples = from_model(model, reference, count=16, seed=0, steps=4)
    """
    reference.check_shape(model.shape)
    sampling = model.settings(**options).model_dump()
    parts: list[Images] = []
    done, group = 0, process_group()
    rounds = list(group.rounds(count, model.images_at_once))
    own = sum(map(len, rounds))
    total = own * sampling["steps"]
    with _counting(model.network, model.guide) as evaluated:
        for numbers in rounds:
            images = np.empty((0, *model.shape[1:], model.shape[0]), np.uint8)
            if numbers:
                states = model.trajectory(len(numbers), seed, numbers.start, **options)
                images = yield from finished(states, "making images", done, total)
                done += len(numbers) * sampling["steps"]
            parts += group.gather(images)
    in_float32 = replace(model, precision="float32")
    made = Samples(model.place, np.concatenate(parts), in_float32, sampler=sampling, precision=model.precision)
    yield replace(made, evaluations=sum(evaluated) * count // max(own, 1))  # this process made its share of the images


def finished(states: Iterator[State], name: str, done: int, total: int) -> Generator[Stage, None, Images]:
    """Return the images at the end of a trajectory. Yields a Stage of this name after each step.

    Args:
        done: network evaluations before, of `total`.
    """
    x_t = next(states).x_t
    for state in states:
        x_t, done = state.x_t, done + len(x_t)
        yield Stage(name, done, total)
    return to_bytes(x_t)


@contextmanager
def _counting(*networks: nn.Module | None) -> Iterator[list[int]]:
    """Within the block, the list gets the number of images of each evaluation of a network."""
    counts: list[int] = []
    with ExitStack() as hooks:
        for network in filter(None, networks):
            hook = network.register_forward_hook(lambda _, inputs, __: counts.append(len(inputs[0])))
            hooks.callback(hook.remove)
        yield counts
