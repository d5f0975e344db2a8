"""The config of a run: everything that a user may ask, with types and ranges. It never changes."""

import re
from collections.abc import Mapping, Sequence
from reprlib import Repr
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, model_validator

from nevoa._util.arguments import has_argument
from nevoa.config.data import DataConfig
from nevoa.config.names import PredictionName, SpacingName, VarianceName
from nevoa.config.network import (
    NetworkConfig,
    ObjectName,
    Positive,
    SamplerName,
    ScheduleName,
    Section,
    UNetConfig,
    network_config,
)
from nevoa.config.registry import SCHEDULES
from nevoa.config.training import GuidanceWeight, Recipe, TrainingConfig, without_column
from nevoa.errors import NevoaError, WrongValue, nearest, unknown

HASH = re.compile(r"[0-9a-f]{64}")
# In base64.
ENCODED = re.compile(r"([A-Za-z0-9+/]{8})[A-Za-z0-9+/]{32,}=*")
# A value as an error shows it: ten thousand numbers by the first of them.
SHORT = Repr()
SHORT.maxstring = SHORT.maxother = 80
# The names in pydantic's list of them, as in "'crop' or 'pad'".
NAMES = re.compile(r"'(.+?)'")
# Names that pydantic gives to the types of a value that may have several.
FORMS = ("str", "int", "float", "bool")


class DiffusionPlan(Section, revalidate_instances="subclass-instances"):
    """The process, and what the network predicts, as it was decided.

    Attributes:
        schedule: how the noise grows with t.
        timesteps: T, the number of timesteps.
        prediction: what the network outputs; the schedule flow needs flow or x0.
        zero_terminal_snr: leave no signal at T (Lin et al. 2024); needs the prediction v, x0 or flow.
        scale_ends: adapt the ends of the schedules linear, quadratic and sigmoid, and of others that take `scaled`, to
            other T than 1000.
    """

    schedule: ObjectName | ScheduleName = "linear"
    timesteps: Annotated[int, Field(ge=2, le=100_000)] = 1000
    prediction: PredictionName = "epsilon"
    zero_terminal_snr: bool = False
    scale_ends: bool = False

    @model_validator(mode="after")
    def _keys_fit_together(self) -> "DiffusionPlan":
        if self.schedule == "flow" and self.prediction in ("epsilon", "v"):
            raise ValueError(
                f"prediction={self.prediction} is not for schedule=flow: predict flow or x0, or take schedule=cosine"
            )
        if self.zero_terminal_snr and self.prediction == "epsilon":
            raise ValueError("with zero_terminal_snr x_T is the noise itself: predict v, x0 or flow, not epsilon")
        if self.scale_ends and not has_argument(SCHEDULES[self.schedule], "scaled"):
            raise ValueError(f"scale_ends is not for the schedule {self.schedule}, which takes no scaled ends")
        return self


class DiffusionConfig(DiffusionPlan):
    """The process, and what the network predicts.

    Attributes:
        prediction: what the network outputs; the schedule flow needs flow or x0. "auto": x0 if a picture says what a
            part of it is, or if the network is too narrow to output noise, which takes two channels for each number of
            a patch; else flow.
    """

    prediction: PredictionName | Literal["auto"] = "epsilon"  # pyright: ignore[reportIncompatibleVariableOverride]


class SamplingPlan(Section, revalidate_instances="subclass-instances"):
    """The default sampling options of a model, for previews and `nevoa sample`, as they were decided.

    Attributes:
        sampler: sampling method.
        steps: sampling steps; the sampler's own number if not set.
        spacing: how the timesteps are spaced.
        variance: variance of a ddpm step: beta_tilde (small) or beta (large).
        eta: fresh noise in each ddim step: 0 is none, 1 as much as ddpm.
        clip: clip x_0 to [-1, 1] at every step.
        guidance: weight of the class: 0 ignores it, 1 is as in the data, more exaggerates it.
        autoguidance: weight of the model against its guide, if it has one (Karras et al. 2024); 1 is the model alone.
            If not set, a long training measures the best weight at its end; a short one takes 1.5.
    """

    sampler: SamplerName = "ddpm"
    steps: Positive | None = None
    spacing: SpacingName = "trailing"
    variance: VarianceName = "small"
    eta: Annotated[float, Field(ge=0, le=1)] = 0.0
    clip: bool = True
    guidance: GuidanceWeight = 1.0
    autoguidance: GuidanceWeight | None = None


class SamplingConfig(SamplingPlan):
    """The default sampling options of a model, for previews and `nevoa sample`.

    Attributes:
        steps: sampling steps; the sampler's own number if not set. "auto": 7, and 10 for a training of 600,000 images
            or more; a run that goes on keeps its own.
    """

    steps: Positive | Literal["auto"] | None = None  # pyright: ignore[reportIncompatibleVariableOverride]


def _kind(network: Any) -> str | None:
    """Return the kind in a table of network keys, or None if it is not such a table."""
    kind = network.get("kind", "unet") if isinstance(network, Mapping) else None
    return kind if isinstance(kind, str) else None


def _network_of_its_kind(value: Any) -> Any:
    """Validate a table of network keys by the config class that its kind is registered with."""
    kind = _kind(value)
    return network_config(kind).model_validate({"kind": kind, **value}) if kind else value


AnyNetwork = Annotated[SerializeAsAny[NetworkConfig], BeforeValidator(_network_of_its_kind)]


class Config(Section):
    """The settings that a user asks for, by section.

    Example:
        >>> config = nevoa.configure("shapes", steps=100)
        >>> config.training.steps, config.diffusion.schedule
        (100, 'cosine')
    """

    data: DataConfig = DataConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    network: AnyNetwork = UNetConfig()
    training: TrainingConfig = TrainingConfig()
    sampling: SamplingConfig = SamplingConfig()

    @model_validator(mode="before")
    @classmethod
    def _with_caption_column(cls, values: Any) -> Any:
        """Read `training.condition=text:COLUMN` as the condition text and `data.caption_column`."""
        tables = values if isinstance(values, Mapping) else {}
        training, data = tables.get("training"), tables.get("data", {})
        if not (isinstance(training, Mapping) and isinstance(data, Mapping)):
            return values
        kinds, column = without_column(training.get("condition"))
        if column is None:
            return values
        return {**tables, "training": {**training, "condition": kinds}, "data": {**data, "caption_column": column}}

    @model_validator(mode="after")
    def _sections_fit_together(self) -> "Config":
        check_together(self.diffusion, self.sampling, self.training, self.training.preview_steps)
        if self.sampling.guidance != 1 and not self.training.condition:
            raise ValueError("sampling.guidance other than 1 needs a condition, such as training.condition=class")
        if self.sampling.guidance != 1 and self.training.is_distillation:
            raise ValueError("sampling.guidance is not for a distilled model: leave it out")
        if self.data.conditioned and self.training.is_distillation:
            raise ValueError("a distillation learns images of its teacher, which show no augmentation: leave it out")
        if self.sampling.autoguidance not in (None, 1) and not self.training.guide:
            raise ValueError("sampling.autoguidance needs a guide: set training.guide=0.2")
        return self

    def updated(self, section: str, **values: Any) -> "Config":
        """Another config: with other values in a section, validated like a user's."""
        return parse({**self.model_dump(), section: {**getattr(self, section).model_dump(), **values}})


def check_together(diffusion: DiffusionPlan, sampling: SamplingPlan, recipe: Recipe, preview_steps: int | None) -> None:
    """Raise a ValueError if the keys of different sections do not fit together."""
    for key, steps in {"sampling.steps": sampling.steps, "training.preview_steps": preview_steps}.items():
        if isinstance(steps, int) and steps > diffusion.timesteps:
            raise ValueError(f"{key} must be at most diffusion.timesteps, {diffusion.timesteps}")
    if (name := recipe.objective) != "denoise" and diffusion.prediction == "epsilon":
        raise ValueError(f"objective={name} is not for prediction=epsilon, from which x_0 at T cannot be computed")


def flat(values: Section | Mapping[str, Any]) -> dict[str, Any]:
    """The values of a config, a plan or their tables by key: "training.seed"."""
    tables, found = values.model_dump() if isinstance(values, Section) else values, dict[str, Any]()
    for name, value in tables.items():
        found |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
    return found


def changes(before: Section, after: Section) -> dict[str, str]:
    """Each key in which two configs or plans differ, with a sentence: "training.seed: was 0, now 1".

    Example:
        >>> changes(config, config.updated("training", seed=1))
        {'training.seed': 'training.seed: was 0, now 1'}
    """
    old, new = flat(before), flat(after)
    keys = [key for key in old | new if old.get(key) != new.get(key)]
    pairs = {key: (old.get(key), new.get(key)) for key in keys}
    return {key: f"{key}: was {_shown(was, now)}, now {_shown(now, was)}" for key, (was, now) in pairs.items()}


AnySection = TypeVar("AnySection", bound=Section)


def parse(values: Mapping[str, Any], kind: type[AnySection] = Config) -> AnySection:
    """Return the config, plan or section of tables. A NevoaError if a key is unknown or a value out of range."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise _explained(_furthest(error.errors()), values, kind) from error


def _furthest(errors: Sequence[Any]) -> dict[str, Any]:
    """Return the error that matched furthest: a value that may have several forms gives an error for each."""
    found = max(errors, key=lambda error: len(error["loc"]))
    others = [error["msg"] for error in errors if error is not found and error["loc"][:-1] == found["loc"][:-1]]
    may_be_auto = "Input should be 'auto'" in others and found["type"] != "too_long"
    return {**found, "msg": f"{found['msg']} or 'auto'"} if may_be_auto else found


def _explained(error: Any, values: Mapping[str, Any], kind: type[Section]) -> NevoaError:
    location = error["loc"]
    if error["type"] == "extra_forbidden":
        key = ".".join(map(str, location))
        if len(location) > 2:  # of a condition
            return NevoaError(f"There is no config key '{key}'. If a newer nevoa wrote it, update this one.")
        return unknown(
            "config key", key, _known_keys(str(location[0]), values, kind) if location[1:] else kind.model_fields
        )
    # pydantic adds the name of the form that it tried ("constrained-int", "tuple[...]"), which is not part of the key.
    path = [part for part in location if part not in FORMS and (isinstance(part, int) or part.isidentifier())]
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "tuple_type":
        message = message.replace("a valid tuple", "a list, such as [1, 2],").removesuffix(",")
    given = f" (given: {SHORT.repr(error['input'])})" if not isinstance(error["input"], dict | Section) else ""
    key = ".".join(part for part in path if isinstance(part, str))
    known = NAMES.findall(error["ctx"]["expected"]) if error["type"] == "literal_error" else ()
    said = f"{message}{given}.{nearest(str(error['input']), known)}"
    return WrongValue(key, f": {said}") if path else NevoaError(said)


def _known_keys(name: str, values: Mapping[str, Any], kind: type[Section]) -> list[str]:
    """Return every `section.key` of a section; of the network, those of the kind in `values`."""
    section: Any = kind.model_fields[name].annotation
    if name == "network":
        section = network_config(_kind(values.get(name, {})) or "unet")
    return [f"{name}.{key}" for key in section.model_fields]


def _shown(value: object, other: object = None) -> str:
    """A value as a user types it, a hash by its beginning; of a table, what differs from another."""
    if isinstance(value, dict):
        if not isinstance(other, dict):
            return "set"
        differing = [key for key in value | other if value.get(key) != other.get(key)]
        return ENCODED.sub(r"\1…", ", ".join(f"{key}={_shown(value.get(key))}" for key in differing))
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return "not set" if value is None else text[:8] if HASH.fullmatch(text) else text
