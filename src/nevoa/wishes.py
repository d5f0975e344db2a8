"""What a user may say of how a model makes images, and what becomes of it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack, get_args

from nevoa.config import Config, SamplingConfig
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


def label_of(classes: Sequence[str], wish: int | str) -> int:
    """The label of a class: its index, its name in capitals or not, or its index as text. A NevoaError if none."""
    names, text = [name.lower() for name in classes], str(wish).strip().lower()
    if isinstance(wish, str) and text in names:
        return names.index(text)
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    raise unknown("class", text, names)


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
