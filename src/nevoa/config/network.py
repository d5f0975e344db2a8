"""The configs of networks, by kind."""

import inspect
import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from nevoa._util.arguments import to_python
from nevoa.config.names import OBJECT as OBJECT
from nevoa.config.names import BlockName
from nevoa.config.registry import LOSSES, NETWORKS, OBJECTIVES, OPTIMIZERS, SAMPLERS, SCHEDULES

# Bounds far above any network that fits in a computer, so that a damaged config cannot exhaust the memory.
Even = Annotated[int, Field(ge=4, le=4096, multiple_of=2)]
Multipliers = Annotated[tuple[Annotated[int, Field(ge=1, le=64)], ...], Field(min_length=1, max_length=8)]
Few = Annotated[int, Field(ge=1, le=64)]
Positive = Annotated[int, Field(ge=1, lt=2**63)]
ScheduleName = Annotated[str, AfterValidator(SCHEDULES.checked), WithJsonSchema({"part": "schedule"})]
SamplerName = Annotated[str, AfterValidator(SAMPLERS.checked), WithJsonSchema({"part": "sampler"})]
ObjectiveName = Annotated[str, AfterValidator(OBJECTIVES.checked), WithJsonSchema({"part": "objective"})]
LossName = Annotated[str, AfterValidator(LOSSES.checked), WithJsonSchema({"part": "loss"})]
OptimizerName = Annotated[str, AfterValidator(OPTIMIZERS.checked), WithJsonSchema({"part": "optimizer"})]
# In place of a name: the class of an object that the caller gave.
ObjectName = Annotated[str, Field(pattern=f"^{OBJECT}:")]
# The keys of a network that only a training chooses if they are "auto".
OPEN = "dim", "multipliers", "attention", "patch"
# If the multipliers are "auto".
FEWEST_STAGES = 2
Known = TypeVar("Known", int, tuple[int, ...], tuple[bool, ...])
# A key and its meaning below "Attributes:", with the lines that continue it.
KEY = re.compile(r"^    (\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)


class Section(BaseModel):
    """Base of all sections: frozen; unknown keys are errors, and so are values of another type ("7" for 7).

    Values of numpy and torch are converted to Python's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return to_python(value)


def meanings(section: type[Section]) -> dict[str, str]:
    """Return the meaning of each key of a section, from the part "Attributes" of its docstring and of its bases'."""
    texts = [inspect.cleandoc(base.__doc__ or "") for base in reversed(section.__mro__)]
    found = [pair for text in texts for pair in KEY.findall(text.partition("\nAttributes:\n")[2])]
    return {name: " ".join(meaning.split()) for name, meaning in found}


class NetworkConfig(Section):
    """Base of every network's config. The other keys of a subclass are arguments of the network's constructor.

    `nevoa.register("network", name, Module, Config)` gives a network a name, its `kind`.

    Example:
        >>> class MLPConfig(NetworkConfig):
        ...     width: int = 64

    Attributes:
        kind: name of the network.
    """

    # Types of other packages may need conversion from what a config file can hold.
    model_config = ConfigDict(strict=False)

    kind: str


class UNetConfig(NetworkConfig, strict=True):
    """Config of `nevoa.networks.UNet`, the network of the teaching notebook.

    Attributes:
        dim: channels of the first stage.
        multipliers: channels of each stage, as multiples of `dim`; a stage halves the height and width of the last.
        block: ConvNeXt blocks or residual blocks.
        mult: hidden channels of a ConvNeXt block, as a multiple of its output channels.
    """

    kind: str = "unet"
    dim: Even = 28
    multipliers: Multipliers = (1, 2, 4)
    block: BlockName = "convnext"
    mult: Few = 2


class ResidualUNetConfig(NetworkConfig, strict=True):
    """Config of `nevoa.networks.ResidualUNet`, the network of Ho et al. 2020.

    Attributes:
        dim: channels of the first stage; "auto": the best for the budget (docs/scaling-laws.md).
        multipliers: channels of each stage, as multiples of `dim`; a stage halves the height and width of the last.
            "auto": 1, 2, and 2 again until the last stage has at most 32x32 positions, or attention no more values.
        blocks: residual blocks in each stage.
        attention: whether each stage has attention, one value for each multiplier; "auto": none has.
        patch: side of the square of pixels that is folded into channels before the first stage; "auto": 2 for images of
            up to 64x64 pixels and if a picture says a part of the image, such as downscaled; else 4.
        groups: groups of a group norm.
        dropout: share of values that each block sets to 0 during training.
        adaptive: scale and shift each group norm by timestep and class, instead of adding them to the channels.
    """

    kind: str = "residual"
    dim: Even | Literal["auto"] = 128
    multipliers: Multipliers | Literal["auto"] = (1, 2, 2, 2)
    blocks: Few = 2
    attention: tuple[bool, ...] | Literal["auto"] = (False, True, False, False)
    patch: Few | Literal["auto"] = 1
    groups: Positive = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    adaptive: bool = False

    @model_validator(mode="after")
    def _one_attention_per_stage(self) -> "ResidualUNetConfig":
        if self.attention == "auto":
            return self
        if self.multipliers == "auto" and len(self.attention) < FEWEST_STAGES:
            raise ValueError(f"attention needs {FEWEST_STAGES} values or more, one per stage")
        if self.multipliers != "auto" and len(self.attention) != len(self.multipliers):
            raise ValueError(f"attention needs {len(self.multipliers)} values, one per multiplier")
        return self

    @property
    def known_dim(self) -> int:
        """The channels of the first stage. A ValueError if they are still `auto`; so for each key of OPEN."""
        return _known("dim", self.dim, "a number")

    @property
    def known_multipliers(self) -> tuple[int, ...]:
        """The channels of each stage, as multiples of the first's."""
        return _known("multipliers", self.multipliers, "a list")

    @property
    def known_attention(self) -> tuple[bool, ...]:
        """Whether each stage has attention."""
        return _known("attention", self.attention, "a list")

    @property
    def known_patch(self) -> int:
        """The side of a patch."""
        return _known("patch", self.patch, "a number")


def _known(key: str, value: Known | Literal["auto"], what: str) -> Known:
    if value == "auto":
        raise ValueError(f"network.{key} is auto, and only a training chooses it: give {what}")
    return value


class DiffusersUNetConfig(NetworkConfig, strict=True):
    """Config of a `UNet2DModel` of diffusers.

    Attributes:
        unet: the config of the UNet2DModel, as JSON.
        patch: side of the square of pixels that is folded into channels before the network.
    """

    kind: str = "diffusers"
    unet: str = "{}"
    patch: Few = 1


class ObjectNetworkConfig(NetworkConfig):
    """Config of a network that was passed as an object, as in `nevoa.train(..., network=net)`."""

    kind: str = OBJECT
    class_name: str


def network_config(kind: str) -> type[NetworkConfig]:
    """Return the config class of a network's kind. An UnregisteredError if no package or plugin registered it."""
    return ObjectNetworkConfig if kind == OBJECT else NETWORKS.options(kind)
