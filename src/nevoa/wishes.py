"""What a user may say of images to train on and of how a model makes new ones, and what becomes of it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack, get_args

import numpy as np

from nevoa.config import Config, DataConfig, SamplingConfig
from nevoa.data import Choice, ImageSet, Progress, label_of, open_source, opening
from nevoa.errors import NevoaError, unknown
from nevoa.sampling import SamplerName, Spacing, Variance

CHOICES: dict[str, tuple[str, ...]] = {
    "sampler": get_args(SamplerName),
    "spacing": get_args(Spacing),
    "variance": get_args(Variance),
}


class SamplingWishes(TypedDict, total=False):
    """What a user may say of how images are made; None is as good as nothing.

    Attributes:
        steps: evaluations of the network, 1 … T.
        spacing: of the timesteps they are at.
        variance: ddpm's.
        eta: ddim's, 0 … 1.
        clip: whether x_0 is clipped to [-1, 1] at every step.
        guidance: 0 or more, of a conditional model: 1 draws from the class, 0 from all images, more exaggerates it.
        labels: classes by index or name, made in turn; without them a conditional model makes all of its own in turn.
    """

    sampler: SamplerName | None
    steps: int | None
    spacing: Spacing | None
    variance: Variance | None
    eta: float | None
    clip: bool | None
    guidance: float | None
    labels: Sequence[int | str] | None


def settled(config: Config, **wishes: Unpack[SamplingWishes]) -> SamplingConfig:
    """The config's sampling with what is given, and not None, in its place.

    Another sampler than the config's takes all T steps for ddpm, 50 for ddim, 20 for dpm_solver, unless given, at
    trailing timesteps.
    """
    own, timesteps = config.sampling, config.diffusion.timesteps
    wished: dict[str, Any] = {name: value for name, value in wishes.items() if value is not None and name != "labels"}
    _check(wished, timesteps, conditional=bool(config.classes))
    if wished.get("guidance", own.guidance) != 1 and not config.training.label_dropout:
        raise NevoaError(
            "guidance other than 1 is for models that were trained without the class as well, with a "
            "training.label_dropout of 0.1 or so; this one was always told it."
        )
    if wished.get("sampler", own.sampler) != own.sampler:
        # The config's timesteps were chosen for the config's sampler.
        own = own.model_copy(update={"steps": None, "spacing": "trailing"})
    settings = own.model_copy(update=wished)
    if settings.steps is None:
        default = {"ddpm": timesteps, "ddim": 50, "dpm_solver": 20}[settings.sampler]
        settings = settings.model_copy(update={"steps": min(default, timesteps)})
    return settings


def labels_of(classes: Sequence[str], wish: Sequence[int | str] | None = None) -> Sequence[int]:
    """The labels that images are made of in turn: of the classes wished for, else of all. Empty for no classes."""
    if wish is None:
        return range(len(classes))
    if not classes:
        raise NevoaError("This model knows no classes: it was trained without training.conditional=true.")
    if not wish:
        raise NevoaError("labels is empty: name a class, or leave it out.")
    return [label_of(classes, one) for one in wish]


def choice_of(data: DataConfig, split: str | None = None) -> Choice:
    """Which images of its source a config means, or of another split of it."""
    size = (data.size, data.size) if isinstance(data.size, int) else data.size
    return Choice(split or data.split, data.only, data.limit, size, data.channels, data.background)


def images_of(data: DataConfig, split: str | None = None) -> ImageSet:
    """The images that a config means, or those of another split of its source, and only the classes that have any.

    A NevoaError if they cannot be had.
    """
    images = open_source(data.source, choice_of(data, split))
    check_strict(data, images)
    return _without_empty_classes(images)


def _without_empty_classes(images: ImageSet) -> ImageSet:
    """Nothing can be learned of a class without images, and there would be a row of it in each picture."""
    found, labels = np.unique(images.labels, return_inverse=True)
    if len(found) >= len(images.classes):
        return images
    return replace(images, labels=labels, classes=tuple(images.classes[label] for label in found.tolist()))


def test_images_of(data: DataConfig, train: ImageSet) -> ImageSet:
    """The test split of a source, made like its training images; it may be without classes.

    A NevoaError if it has none, or other classes.
    """
    test = images_of(data, "test")
    if test.shape != train.shape:
        channels, height, width = train.shape
        test = images_of(data.model_copy(update={"size": (height, width), "channels": channels}), "test")
    return test if not test.classes or test.classes == train.classes else _by_classes_of(train, test)


def _by_classes_of(train: ImageSet, test: ImageSet) -> ImageSet:
    """Those of `test` whose classes `train` has too, by its numbers. A NevoaError if there are none."""
    place = np.array([train.classes.index(name) if name in train.classes else -1 for name in test.classes])
    labels = place[test.labels]
    kept = np.flatnonzero(labels >= 0)
    if not len(kept):
        raise NevoaError(f"The test images of {train.notes.source} have other classes than those for training.")
    if len(kept) == len(test):
        return replace(test, labels=labels, classes=train.classes)
    return replace(ImageSet.of(test.name, test.images[kept], labels[kept], train.classes), notes=test.notes)


def opening_of(data: DataConfig) -> Iterator[Progress | ImageSet]:
    """`images_of` as a stream: how far their preparation is; the last item is the ImageSet."""
    return opening(data.source, choice_of(data))


def check_strict(data: DataConfig, images: ImageSet) -> None:
    """A NevoaError if some were left out of what is to be whole."""
    if data.strict and images.notes.bad:
        first = images.notes.bad[0]
        raise NevoaError(
            f"{len(images.notes.bad):,} files of {data.source} cannot be used; the first: {first.name}: {first.reason}."
            " Mend or remove them, or leave --strict out."
        )


def _check(wished: Mapping[str, Any], timesteps: int, conditional: bool) -> None:
    for name, known in CHOICES.items():
        if wished.get(name, known[0]) not in known:
            raise unknown(name, str(wished[name]), known)
    if not 1 <= wished.get("steps", 1) <= timesteps:
        limit = f"{timesteps}, the timesteps this model was trained on"
        raise NevoaError(f"steps is between 1 and {limit}, not {wished['steps']}.")
    if not 0 <= wished.get("eta", 0) <= 1:
        raise NevoaError(f"eta is between 0 and 1, not {wished['eta']}.")
    if not 0 <= wished.get("guidance", 1) < math.inf:
        raise NevoaError(f"guidance is 0 or more, not {wished['guidance']}.")
    if wished.get("guidance", 1) != 1 and not conditional:
        raise NevoaError("guidance is for models of classes, trained with training.conditional=true; this one is not.")
