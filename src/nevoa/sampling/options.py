"""Sampling options, resolved against a config."""

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Unpack

from pydantic import ConfigDict, field_serializer

from nevoa._util.arguments import Classes, Spoken, has_argument, takes
from nevoa.config import ModelPlan, SamplingPlan, parse
from nevoa.config.names import CLASS, TAGS, TEXT, VarianceName
from nevoa.config.network import SamplerName
from nevoa.config.options import SamplerOptions, given
from nevoa.config.registry import SAMPLERS
from nevoa.config.training import GuidanceWeight
from nevoa.errors import NevoaError, WrongValue
from nevoa.sampling.sampler import Sampler

# Options that only some samplers take.
OF_SAMPLERS = "variance", "eta"
# Those that say what the images are asked to be, with the name of the kind.
ASKING = {"labels": CLASS, "prompt": TEXT, "tags": TAGS}
ASKING_ELSE = "numbers", "picture", "condition", "not_"
STEPS = 50
# The weight of a model against its guide that was not measured; docs/benchmarks.md compares weights.
AUTOGUIDANCE = 1.5


class SamplingOptions(SamplerOptions, total=False):
    """Keyword options of sampling, with those of `nevoa.config.options.SamplerOptions`; None means not given.

    Attributes:
        labels: the class to sample, by index or name, or several in turn; by default all of a model of classes.
        prompt: what the images show, in words, or several such texts in turn.
        tags: what the images show, as words with commas between, or several in turn, each a text or a list of words.
        picture: a file, PIL image or uint8 array that the images are made from, or several in turn (docs/images.md).
        numbers: by name a number that the images are asked to have, such as an age, or several in turn.
        condition: the same by kind, as in `{"class": "cat", "text": "a cat"}`; also for kinds that a plugin registers.
        not_: what the images do not show: a prompt, for a model that takes one, else tags, else a class. It takes the
            place of the null condition, and needs a guidance above 1.

    Example:
        >>> options: SamplingOptions = {"sampler": "ddim", "steps": 20}
        >>> images = model.sample(4, **options)
    """

    labels: Classes | None
    prompt: str | Sequence[str] | None
    tags: str | Sequence[str | Sequence[str]] | None
    picture: Any
    numbers: Mapping[str, Any] | None
    condition: Mapping[str, Any] | None
    not_: Spoken | None


class SamplingSettings(SamplingPlan):
    """Complete sampling options: a SamplingPlan whose sampler may be an object, dumped as the name of its class.

    Attributes:
        guidance: one weight or, where they differ, that of each kind of condition, in the order of the plan.

    Example:
        >>> SamplingSettings(sampler="ddim", steps=20).spacing
        'trailing'
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    sampler: SamplerName | Sampler = "ddpm"  # pyright: ignore[reportIncompatibleVariableOverride]
    guidance: GuidanceWeight | Mapping[str, GuidanceWeight] = 1.0  # pyright: ignore[reportIncompatibleVariableOverride]
    autoguidance: GuidanceWeight = AUTOGUIDANCE  # pyright: ignore[reportIncompatibleVariableOverride]

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
    values = {"variance": variance, "eta": eta}
    if isinstance(sampler, str):
        part = SAMPLERS[sampler]
        made = part(**{name: values[name] for name in sampler_options(sampler)}) if callable(part) else part
    else:
        made = sampler
    if isinstance(made, type) or not isinstance(made, Sampler) or not takes(made.step, 6):
        raise NevoaError(
            f"{_name_of(sampler)} has no method step(denoiser, x_t, t, s, noise, past): give a sampler object."
        )
    return made


def sampler_options(sampler: object) -> tuple[str, ...]:
    """The sampling options that the sampler of a name takes; none of an object, which has its options already.

    Example:
        >>> sampler_options("ddim")
        ('eta',)
    """
    build = SAMPLERS[sampler] if isinstance(sampler, str) else None
    return tuple(name for name in OF_SAMPLERS if callable(build) and has_argument(build, name))


def settings_of(plan: ModelPlan, **options: Unpack[SamplingOptions]) -> SamplingSettings:
    """Return a model's own sampling, with the options that are given in its place.

    A sampler other than the model's uses its own default number of steps (`default_steps`: all T for ddpm, 25 for
    heun, 20 for dpm_solver, 50 for those that have none) and trailing timesteps, unless they are given.

    Raises:
        NevoaError: for an unknown option, a value of the wrong type or out of range, an option that the sampler does
            not have, and guidance of a model that was not trained for it.

    Example:
        >>> settings_of(model.plan, sampler="ddim").spacing
        'trailing'
    """
    chosen = {
        name: value
        for name, value in given(settings_of, options, SamplingOptions).items()
        if name not in (*ASKING, *ASKING_ELSE)
    }
    own, timesteps = plan.sampling, plan.diffusion.timesteps
    sampler = chosen.get("sampler", own.sampler)
    as_sampler(sampler)
    own_options = sampler_options(sampler)
    _check_applicable(chosen.keys() - own_options, sampler)
    # The model's timesteps were chosen for its own sampler, and its fresh noise for one that adds any.
    changed = {} if sampler == own.sampler else {"steps": None, "spacing": "trailing"}
    still = {} if "eta" in own_options else {"eta": 0.0}
    unset = {"autoguidance": AUTOGUIDANCE} if own.autoguidance is None else {}
    settings = parse(own.model_dump() | unset | changed | still | chosen, SamplingSettings)
    if settings.steps is None:
        settings = settings.model_copy(update={"steps": min(_steps_of(sampler) or timesteps, timesteps)})
    settings = _weighed(plan, settings)
    _check_model(plan, settings)
    if settings.guidance != 1 or options.get("not_") is not None:
        _check_guidance(plan, settings, options.get("not_"))
    return settings


def accepts(plan: ModelPlan, **options: Unpack[SamplingOptions]) -> bool:
    """Return whether a model takes sampling options: `settings_of` has no complaint.

    Example:
        >>> accepts(model.plan, guidance=2, not_="Bag")
        True
    """
    try:
        settings_of(plan, **options)
    except NevoaError:
        return False
    return True


def asked_in(plan: ModelPlan, options: SamplingOptions) -> dict[str, Any]:
    """Return what sampling options ask images of a model to be, by the name of the kind of condition.

    Raises:
        NevoaError: numbers or conditions have no names; a kind is asked for twice, by its own option and in
            `condition`; or a picture of a model of several.

    Example:
        >>> asked_in(model.plan, {"prompt": "a cat", "steps": 7})
        {'text': 'a cat'}
    """
    for name, example in {"numbers": {"age": 30}, "condition": {"text": "a cat"}}.items():
        if not isinstance(value := options.get(name), Mapping | None):
            raise NevoaError(f"{name} must be a table of values by name, such as {example}, not {value!r:.60}.")
    words = {kind: options.get(word) for word, kind in ASKING.items()}
    words |= {f"number:{name}": value for name, value in (options.get("numbers") or {}).items()}
    if (picture := options.get("picture")) is not None:
        words[_picture(plan)] = picture
    asked: dict[str, Any] = {}
    for kind, value in (*words.items(), *(options.get("condition") or {}).items()):
        if value is not None and kind in asked:
            raise NevoaError(f"The condition {kind} is asked for twice, also by an option of its own: leave out one.")
        asked |= {} if value is None else {kind: value}
    return asked


def _picture(plan: ModelPlan) -> str:
    """The name of the picture that a model knows; "gray" for one that knows none, which cannot be asked for it."""
    known = [*plan.pictures] or ["gray"]
    if len(known) > 1:
        raise NevoaError(
            f"This model knows the pictures {' and '.join(known)}: say which, as in --condition {known[0]}=FILE, or in "
            f"Python condition={{'{known[0]}': ...}}."
        )
    return known[0]


def check_taught(plan: ModelPlan, taught: Iterable[int], grid: Iterable[int], sampler: object) -> None:
    """Warn of timesteps, or of the name of a sampler, that a distilled model was not taught.

    Example:
        >>> settings, taught = model.settings(steps=7), model.timesteps(model.settings())
        >>> check_taught(model.plan, taught, model.timesteps(settings), settings.sampler)
    """
    own = settings_of(plan)
    other = isinstance(sampler, str) and sampler != own.sampler
    if plan.distilled_from and (other or not {*grid} <= {*taught}):
        warnings.warn(
            f"This model was distilled to make images in {own.steps} steps of {own.sampler}, and is poor at any other "
            f"timesteps or samplers: leave out the sampling options, or use its teacher, {plan.distilled_from}.",
            stacklevel=3,
        )


def _check_applicable(others: Collection[str], sampler: object) -> None:
    for name in sorted({*others} & {*OF_SAMPLERS}):
        if able := " or ".join(other for other in SAMPLERS if name in sampler_options(other)):
            own = _name_of(sampler)
            raise WrongValue(name, f" is an option of {able}, not of {own}: leave it out, or choose {able}.")


def _check_model(plan: ModelPlan, settings: SamplingSettings) -> None:
    timesteps = plan.diffusion.timesteps
    if (settings.steps or 1) > timesteps:
        raise WrongValue(
            "steps", f" must be between 1 and {timesteps}, the timesteps of this model, not {settings.steps}."
        )


def _weighed(plan: ModelPlan, settings: SamplingSettings) -> SamplingSettings:
    """The settings with a weight for each kind, or with one number if all are the same."""
    given = settings.guidance
    if not isinstance(given, Mapping):
        return settings
    for kind in given:
        if kind not in plan.kinds:
            known = " and ".join(plan.kinds) or "no conditions"
            raise WrongValue("guidance", f" has a weight for {kind}, and this model knows {known}: leave it out.")
    weights = {kind: given.get(kind, plan.sampling.guidance) for kind in plan.kinds}
    first, *others = {*weights.values()} or {1.0}
    return settings.model_copy(update={"guidance": weights if others else first})


def _check_guidance(plan: ModelPlan, settings: SamplingSettings, unwanted: object) -> None:
    name = "guidance" if unwanted is None else "not_"
    if not plan.conditional:
        raise WrongValue(name, " needs a model with conditions: train with training.condition=class.")
    if plan.distilled_from:
        raise WrongValue(
            name,
            " does not suit a distilled model, whose few large steps do not add up: leave it out, or use its teacher, "
            f"{plan.distilled_from}.",
        )
    if not plan.works_without_condition:
        raise WrongValue(
            name,
            " needs a model that was also trained without conditions, and this one never was: train with "
            "training.label_dropout=0.1.",
        )
    if unwanted is None:
        return
    if plan.spoken is None:
        raise WrongValue(name, f" takes a prompt, tags or a class, and this model knows {' and '.join(plan.kinds)}.")
    weight = settings.guidance[plan.spoken] if isinstance(settings.guidance, Mapping) else settings.guidance
    if weight <= 1:
        raise WrongValue(name, f" needs a guidance above 1, and that of {plan.spoken} is {weight:g}: add --guidance 3.")


def _steps_of(sampler: object) -> int | None:
    """The default number of steps of a sampler; None for all T."""
    return getattr(SAMPLERS[sampler] if isinstance(sampler, str) else sampler, "default_steps", STEPS)


def _name_of(sampler: object) -> str:
    return sampler if isinstance(sampler, str) else getattr(sampler, "__name__", type(sampler).__name__)
