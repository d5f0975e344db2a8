"""All that decides a result, typed, with ranges: what a run saves, and what `-o section.key=value` sets."""

import operator
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nevoa._util.files import damaged, read_text
from nevoa.errors import NevoaError, unknown
from nevoa.vocabulary import (
    BlockName,
    DecayName,
    DeviceName,
    LossName,
    OptimizerName,
    PrecisionName,
    PredictionName,
    SamplerName,
    ScheduleName,
    SpacingName,
    VarianceName,
    WeightingName,
)

# Far wider and deeper than any network that fits in a computer: a damaged config is not to make us try.
Even = Annotated[int, Field(ge=4, le=4096, multiple_of=2)]
Multipliers = Annotated[tuple[Annotated[int, Field(ge=1, le=64)], ...], Field(min_length=1, max_length=8)]
Few = Annotated[int, Field(ge=1, le=64)]
Positive = Annotated[int, Field(ge=1, lt=2**63)]
LARGEST_SIDE = 1024
Side = Annotated[int, Field(ge=4, le=LARGEST_SIDE)]
FORMAT = 1
BUDGETS = {"minutes", "epochs", "steps"}
BY = re.compile(r"\d+x\d+")
DeviceWish = DeviceName | Literal["auto"]


class Section(BaseModel):
    """Frozen, and strict about unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataConfig(Section):
    """What is trained on: a source, which of its images, and how they are made alike.

    `only` leaves out the images of all other classes; `limit` keeps so many, always the same ones. `size` is a side, or
    height and width, to resize and crop to; absent, images keep their own where they are alike. `background` is the
    colour behind what is transparent. `strict` refuses a source of which anything has to be left out.

    `flip` mirrors images at random, half of the time; absent, the catalogue says whether that suits the data.
    `fingerprint` is found when the data are opened; so are `classes`, their names, for a conditional model.
    """

    source: str = "fashion_mnist_10k"
    split: str = "train"
    only: tuple[str | int, ...] | None = None
    limit: Positive | None = None
    size: Side | tuple[Side, Side] | None = None
    channels: Literal[1, 3] | None = None
    background: str = "white"
    strict: bool = False
    flip: bool | None = None
    fingerprint: str | None = None
    classes: tuple[str, ...] | None = None

    @field_validator("source")
    @classmethod
    def _can_be_written(cls, value: str) -> str:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError("the name of the file or folder is not UTF-8, which a config is: rename it") from error
        return value

    @field_validator("size", mode="before")
    @classmethod
    def _height_by_width(cls, value: Any) -> Any:
        """`30x50` as people write it."""
        return [int(side) for side in value.split("x")] if isinstance(value, str) and BY.fullmatch(value) else value


class DiffusionConfig(Section):
    """The process, and what the network predicts."""

    schedule: ScheduleName = "linear"
    timesteps: Annotated[int, Field(ge=2, le=100_000)] = 1000
    prediction: PredictionName = "epsilon"
    zero_terminal_snr: bool = False
    # Left out of the dump while false, so that the hash of an older run's config stays the same.
    scale_ends: bool = Field(default=False, exclude_if=operator.not_)

    @model_validator(mode="after")
    def _schedule_allows_the_prediction(self) -> "DiffusionConfig":
        if self.schedule == "flow" and self.prediction in ("epsilon", "v"):
            raise ValueError(f"prediction={self.prediction} is not for schedule=flow: predict flow or x0")
        if self.zero_terminal_snr and self.prediction == "epsilon":
            raise ValueError("with zero_terminal_snr x_T is the noise itself: predict v or x0, not epsilon")
        return self

    @model_validator(mode="after")
    def _schedule_has_ends_to_scale(self) -> "DiffusionConfig":
        if self.scale_ends and self.schedule in ("cosine", "flow"):
            raise ValueError("scale_ends is for the schedules linear, quadratic and sigmoid")
        return self


class UNetConfig(Section):
    """`nevoa.networks.UNet`: the notebook's."""

    kind: Literal["unet"] = "unet"
    dim: Even = 28
    multipliers: Multipliers = (1, 2, 4)
    block: BlockName = "convnext"
    mult: Few = 2


class ResidualUNetConfig(Section):
    """`nevoa.networks.ResidualUNet`: that of Ho et al. 2020."""

    kind: Literal["residual"] = "residual"
    dim: Even = 128
    multipliers: Multipliers = (1, 2, 2, 2)
    blocks: Few = 2
    attention: tuple[bool, ...] = (False, True, False, False)
    patch: Few = 1
    groups: Positive = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    adaptive: bool = False

    @model_validator(mode="after")
    def _one_attention_per_stage(self) -> "ResidualUNetConfig":
        if len(self.attention) != len(self.multipliers):
            raise ValueError(f"attention needs {len(self.multipliers)} values, one per multiplier")
        return self


NetworkConfig = Annotated[UNetConfig | ResidualUNetConfig, Field(discriminator="kind")]


class TrainingConfig(Section):
    """The course of training. `minutes` or `epochs` or `steps` is given; `steps` is resolved before the start.

    So is all else that is None or auto: previews and checkpoints come as often as a small share of the time allows, and
    a preview is drawn in fewer steps where `sampling.steps` would cost more than that.

    The gradient of a batch is computed in `accumulation` pieces one after the other, where it does not fit in memory.

    A `conditional` network is told each image's class, but for a share of `label_dropout` (Ho and Salimans 2022);
    with "auto", if the data have classes.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    minutes: Annotated[float, Field(gt=0)] | None = None
    epochs: Annotated[float, Field(gt=0)] | None = None
    steps: Positive | None = None
    batch_size: Positive = 128
    accumulation: Positive = 1
    loss: LossName = "huber"
    weighting: WeightingName = "simple"
    conditional: bool | Literal["auto"] = False
    label_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    optimizer: OptimizerName = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    learning_rate_decay: DecayName = "none"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    warmup_images: Annotated[int, Field(ge=0)] = 0
    gradient_clip: Annotated[float, Field(gt=0)] | None = None
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    device: DeviceWish = "auto"
    precision: PrecisionName | Literal["auto"] = "auto"
    threads: Positive | None = None
    compile: bool | None = None
    report_every_images: Positive = 2_000
    preview_every_images: Positive | None = None
    preview_steps: Positive | None = None
    checkpoint_every_images: Positive | None = None

    @property
    def known_precision(self) -> PrecisionName:
        """The precision; float32 while it is not resolved."""
        return "float32" if self.precision == "auto" else self.precision


class SamplingConfig(Section):
    """How this model's images are best made: what `sample` and previews use unless told otherwise."""

    sampler: SamplerName = "ddpm"
    steps: Positive | None = None
    spacing: SpacingName = "trailing"
    variance: VarianceName = "small"
    eta: Annotated[float, Field(ge=0, le=1)] = 0.0
    clip: bool = True
    guidance: Annotated[float, Field(ge=0)] = 1.0


class Config(Section):
    """A run's configuration."""

    data: DataConfig = DataConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    network: NetworkConfig = UNetConfig()
    training: TrainingConfig = TrainingConfig()
    sampling: SamplingConfig = SamplingConfig()

    @model_validator(mode="after")
    def _sampling_steps_fit(self) -> "Config":
        if (self.sampling.steps or 1) > self.diffusion.timesteps:
            raise ValueError(f"sampling.steps is at most diffusion.timesteps, {self.diffusion.timesteps}")
        return self

    @model_validator(mode="after")
    def _guidance_has_classes(self) -> "Config":
        if self.sampling.guidance != 1 and self.training.conditional is False:
            raise ValueError("sampling.guidance other than 1 is for training.conditional=true")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that a conditional model knows, in the order of their labels; none for any other."""
        return (self.data.classes or ()) if self.training.conditional is True else ()


def parse(values: Mapping[str, Any]) -> Config:
    """A Config from nested tables. Unknown keys and values out of range are NevoaErrors that say what would do."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        # Of a value that may have several forms, the one that was followed furthest is the one that was meant.
        raise _explained(max(error.errors(), key=lambda each: len(each["loc"]))) from error


AnySection = TypeVar("AnySection", bound=Section)


def validated(section: type[AnySection], values: Mapping[str, Any]) -> AnySection:
    """Return a section made of values that already have its types: nothing is converted, and a NevoaError explains."""
    try:
        return section.model_validate(values, strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        if problem["type"] == "literal_error":
            name = str(problem["loc"][0])
            known = get_args(section.model_fields[name].annotation)
            raise unknown(name, str(problem["input"]), known) from error
        raise _explained(problem) from error


def parse_overrides(assignments: Sequence[str]) -> dict[str, Any]:
    """`["training.batch_size=64"]` -> `{"training": {"batch_size": 64}}`. Values are read as TOML, else as text."""
    tables: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        section, dot, name = key.strip().partition(".")
        if not (equals and dot and name):
            raise NevoaError(
                f"'-o {assignment}' is not of the form section.key=value, as in -o training.batch_size=64."
            )
        tables.setdefault(section, {})[name] = _toml_value(text.strip())
    return tables


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Two-level tables laid over one another, the last on top.

    A network of another kind replaces the table below; a budget (`minutes`, `epochs` or `steps`) replaces any below.
    """
    result: dict[str, Any] = {}
    for layer in layers:
        for section, table in layer.items():
            below = result.get(section, {})
            if table.get("kind", below.get("kind")) != below.get("kind"):
                below = {}
            if chosen := BUDGETS & table.keys():
                _one_budget(chosen)
                below = {key: value for key, value in below.items() if key not in BUDGETS}
            result[section] = {**below, **table}
    return result


def _one_budget(chosen: set[str]) -> None:
    if len(chosen) > 1:
        raise NevoaError(f"Give one of minutes, epochs and steps, not {' and '.join(sorted(chosen))}.")


def to_toml(config: Config, about: Mapping[str, Any] | None = None) -> str:
    """The config as TOML; absent values are left out.

    Args:
        about: a table of what does not decide the result, `made_with`: versions, changes on the way.
    """
    tables = {"format": FORMAT} | config.model_dump(mode="json", exclude_none=True)
    return tomli_w.dumps(tables | ({"made_with": about} if about else {}))


def read_toml(path: Path) -> Config:
    """The config in a file. A NevoaError if it is missing, broken, of another format or has another version's keys."""
    text = read_text(path)
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    # The first files did not say: they are of the first format.
    if (found := values.pop("format", 1)) != FORMAT:
        raise NevoaError(f"{path} has format {found}; this nevoa reads {FORMAT}.")
    values.pop("made_with", None)
    return parse(values)


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explained(error: Any) -> NevoaError:
    path = [str(part) for part in error["loc"] if part not in ("unet", "residual")]
    if error["type"] == "extra_forbidden":
        return unknown("config key", ".".join(path), _known_keys(error["loc"]))
    # Which form of a value was tried ("constrained-int", "tuple[...]") is no part of the key.
    path = [part for part in path if part.isalnum() or part.isidentifier()]
    message = error["msg"].removeprefix("Value error, ")
    where = f"{'.'.join(path)}: " if path else ""
    given = f" (given: {error['input']!r})" if not isinstance(error["input"], dict | Section) else ""
    return NevoaError(f"{where}{message}{given}.")


def _known_keys(location: Sequence[Any]) -> list[str]:
    """Every `section.key`; of the networks' keys, those of the kind that the location speaks of."""
    networks = {"unet": UNetConfig, "residual": ResidualUNetConfig}
    kind = networks.get(location[1], UNetConfig) if len(location) > 1 else UNetConfig
    sections = {name: field.annotation for name, field in Config.model_fields.items()} | {"network": kind}
    if len(location) < 2:
        return list(sections)
    return [f"{name}.{key}" for name, model in sections.items() for key in model.model_fields]  # pyright: ignore
