"""Sampling options, resolved against a config."""

import warnings
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, Unpack

from pydantic import ConfigDict, field_serializer

from nevoa._util.plain import Classes, takes
from nevoa.config import ModelPlan, SamplingConfig, validated
from nevoa.config.names import SamplerName, VarianceName
from nevoa.config.options import SamplerOptions
from nevoa.diffusion import Schedule
from nevoa.errors import NevoaError, WrongValue, unknown
from nevoa.sampling.ddim import DDIM
from nevoa.sampling.ddpm import DDPM
from nevoa.sampling.dpm_solver import DPMSolver
from nevoa.sampling.heun import Heun
from nevoa.sampling.sampler import Sampler
from nevoa.sampling.timesteps import timestep_grid


class SamplerRow(NamedTuple):
    """One named sampler.

    Attributes:
        build: constructor.
        steps: default number of steps; None for all T.
        options: the sampling options that the constructor takes.
    """

    build: Callable[..., Sampler]
    steps: int | None
    options: tuple[str, ...] = ()


SAMPLERS: dict[SamplerName, SamplerRow] = {
    "ddpm": SamplerRow(DDPM, None, ("variance",)),
    "ddim": SamplerRow(DDIM, 50, ("eta",)),
    "dpm_solver": SamplerRow(DPMSolver, 20),
    # DDIM without fresh noise is Euler's method.
    "euler": SamplerRow(DDIM, 50),
    "heun": SamplerRow(Heun, 25),
}
OBJECT_STEPS = 50


class SamplingOptions(SamplerOptions, total=False):
    """Keyword options of sampling, with those of `nevoa.config.options.SamplerOptions`; None means not given.

    Attributes:
        labels: the class to sample, by index or name, or several in turn; by default all of a conditional model's.

    Example:
        >>> options: SamplingOptions = {"sampler": "ddim", "steps": 20}
        >>> images = model.sample(4, **options)
    """

    labels: Classes | None


class SamplingSettings(SamplingConfig):
    """Settled sampling options: a SamplingConfig whose sampler may be an object, dumped as the name of its class.

    Example:
        >>> SamplingSettings(sampler="ddim", steps=20).spacing
        'trailing'
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    sampler: SamplerName | Sampler = "ddpm"  # pyright: ignore[reportIncompatibleVariableOverride]

    @field_serializer("sampler")
    def _name(self, sampler: object) -> str:
        return _name_of(sampler)


def as_sampler(sampler: object, variance: VarianceName = "small", eta: float = 0.0) -> Sampler:
    """Return the sampler of that name with the options it takes, or the object itself if it has `step`.

    Raises:
        NevoaError: for an unknown name or an object without `step`.

    Example:
        >>> as_sampler("ddim", eta=0.5)
        DDIM(eta=0.5)
    """
    row, values = _row(sampler), {"variance": variance, "eta": eta}
    return row.build(**{name: values[name] for name in row.options})


def _row(sampler: object) -> SamplerRow:
    """The row of a name, or one for an object, which has its options already."""
    if isinstance(sampler, str):
        if sampler not in SAMPLERS:
            raise unknown("sampler", sampler, SAMPLERS)
        return SAMPLERS[sampler]
    if isinstance(sampler, type) or not isinstance(sampler, Sampler) or not takes(sampler.step, 6):
        raise NevoaError(
            f"{_name_of(sampler)} has no method step(denoiser, x_t, t, s, noise, past): give a sampler object."
        )
    return SamplerRow(lambda: sampler, OBJECT_STEPS)


def settled(plan: ModelPlan, **options: Unpack[SamplingOptions]) -> SamplingSettings:
    """Return a model's own sampling, with the options that are given in its place.

    A sampler other than the model's uses its own default number of steps (all T for ddpm, 50 for ddim, euler and
    objects, 25 for heun, 20 for dpm_solver) and trailing timesteps, unless they are given.

    Raises:
        NevoaError: for an unknown option, a value of the wrong type or out of range, an option that the sampler does
            not have, and guidance of a model that was not trained for it.

    Example:
        >>> settled(model.plan, sampler="ddim").spacing
        'trailing'
    """
    for name in options:
        if name not in SamplingOptions.__annotations__:
            raise unknown("sampling option", name, SamplingOptions.__annotations__)
    given = {name: value for name, value in options.items() if value is not None and name != "labels"}
    own, timesteps = plan.sampling, plan.diffusion.timesteps
    sampler = given.get("sampler", own.sampler)
    row = _row(sampler)
    _check_applicable(given.keys() - row.options, sampler)
    # The model's timesteps were chosen for its own sampler, and its fresh noise for one that adds any.
    changed = {} if sampler == own.sampler else {"steps": None, "spacing": "trailing"}
    still = {} if "eta" in row.options else {"eta": 0.0}
    settings = validated(SamplingSettings, own.model_dump() | changed | still | given)
    if settings.steps is None:
        settings = settings.model_copy(update={"steps": min(row.steps or timesteps, timesteps)})
    _check_model(plan, settings)
    return settings


def check_taught(plan: ModelPlan, schedule: Schedule, grid: Iterable[int]) -> None:
    """Warn of timesteps that a distilled model was not taught.

    Example:
        >>> check_taught(model.plan, model.schedule, model.timesteps(model.settings()))
    """
    own = settled(plan)
    taught = timestep_grid(schedule, own.steps or 1, own.spacing)
    if plan.distilled_from and not {*grid} <= {*taught}:
        warnings.warn(
            f"This model was distilled to make images in {own.steps} steps, and is poor at any other timesteps: leave "
            f"out the sampling options, or use its teacher, {plan.distilled_from}.",
            stacklevel=3,
        )


def _check_applicable(others: Collection[str], sampler: object) -> None:
    for name in sorted(others):
        if able := " or ".join(other for other, row in SAMPLERS.items() if name in row.options):
            own = _name_of(sampler)
            raise WrongValue(name, f" is an option of {able}, not of {own}: leave it out, or choose {able}.")


def _check_model(plan: ModelPlan, settings: SamplingSettings) -> None:
    timesteps = plan.diffusion.timesteps
    if (settings.steps or 1) > timesteps:
        raise WrongValue(
            "steps", f" must be between 1 and {timesteps}, the timesteps of this model, not {settings.steps}."
        )
    if settings.guidance == 1:
        return
    if not plan.classes:
        raise WrongValue("guidance", " needs a class-conditional model: train with training.conditional=true.")
    if not plan.works_without_labels:
        raise WrongValue(
            "guidance",
            " needs a model that was also trained without labels, and this one never was: train with "
            "training.label_dropout=0.1.",
        )


def _name_of(sampler: object) -> str:
    return sampler if isinstance(sampler, str) else getattr(sampler, "__name__", type(sampler).__name__)
