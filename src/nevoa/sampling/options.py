"""What a caller may set when images are sampled, resolved against a config."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack, get_args

from nevoa.config import Config, SamplingConfig
from nevoa.errors import NevoaError, unknown
from nevoa.sampling.ddpm import VarianceName
from nevoa.sampling.timesteps import SpacingName
from nevoa.vocabulary import SamplerName

CHOICES: dict[str, tuple[str, ...]] = {
    "sampler": get_args(SamplerName),
    "spacing": get_args(SpacingName),
    "variance": get_args(VarianceName),
}


class SamplingOptions(TypedDict, total=False):
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
    spacing: SpacingName | None
    variance: VarianceName | None
    eta: float | None
    clip: bool | None
    guidance: float | None
    labels: Sequence[int | str] | None


def settled(config: Config, **wishes: Unpack[SamplingOptions]) -> SamplingConfig:
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
