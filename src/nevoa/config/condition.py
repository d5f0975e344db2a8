"""The part of a plan that describes conditions other than classes, with a section for each kind."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from math import gcd
from typing import Annotated, Any, Literal
from zlib import compress, decompressobj, error

from pydantic import BeforeValidator, Field, SerializeAsAny, field_validator, model_validator

from nevoa.config.data import Side
from nevoa.config.names import AUGMENTATION, PICTURE
from nevoa.config.network import Section
from nevoa.config.registry import CONDITIONS

# Of 3,000 words in captions, one in 22 that is not among them passes for one.
SEEN = 2**16
Few = Annotated[int, Field(ge=1, le=256)]


class ConditionPlan(Section):
    """Base of what a model knows about a condition. `nevoa.register("condition", kind, Kind, Plan)` adds a kind.

    Attributes:
        kind: name of the kind.
    """

    kind: str

    def after(self, before: "ConditionPlan") -> "ConditionPlan":
        """Return the plan of a model that starts from one with the plan `before`: this one, unless a kind says more."""
        return self

    def resumed(self, before: "ConditionPlan") -> "ConditionPlan":
        """Return the plan of a run that had the plan `before`: that one, because the weights depend on it."""
        return before


class TextPlan(ConditionPlan):
    """Captions: hashed words and the letters that they are made of, so that no word is stored.

    Attributes:
        buckets: rows of the table of hashed words and pieces of words.
        width: numbers in a row.
        words: words of a caption that the network reads, from the first on.
        pieces: pieces of a word that the network reads: the word itself, then three and four letters at a time.
        seen: which words the captions have, as 65,536 bits by their hashes, compressed: prompts with others are warned
            of. The words cannot be read from it.
    """

    kind: str = "text"
    buckets: Annotated[int, Field(ge=2, le=2**20)] = 4096
    width: Annotated[int, Field(ge=4, le=4096)] = 64
    words: Few = 16
    pieces: Few = 16
    seen: str = ""

    @property
    def bits(self) -> bytes:
        """The bits of `seen`."""
        return bits_of(self.seen)

    @field_validator("seen")
    @classmethod
    def _is_bits(cls, value: str) -> str:
        bits_of(value)
        return value

    def after(self, before: ConditionPlan) -> "TextPlan":
        """Return the plan before, whose table the model has, with the words of both."""
        if not isinstance(before, TextPlan):
            return self
        both = int.from_bytes(before.bits) | int.from_bytes(self.bits)
        return before.model_copy(update={"seen": seen_of(both.to_bytes(SEEN // 8))})


def bits_of(seen: str) -> bytes:
    """Return the bits that say which words captions have; none for "". A ValueError if it is something else."""
    if not seen:
        return bytes(SEEN // 8)
    try:
        bits = decompressobj().decompress(b64decode(seen, validate=True), SEEN // 8 + 1)  # and not what a bomb holds
    except error as problem:
        raise ValueError(f"seen is damaged: {problem}") from problem
    if len(bits) != SEEN // 8:
        raise ValueError(f"seen must hold {SEEN:,} bits")
    return bits


def seen_of(bits: bytes) -> str:
    """Return bits that say which words captions have as a plan holds them."""
    return b64encode(compress(bits, 9)).decode()


class NumberPlan(ConditionPlan):
    """A number of each image, such as its age.

    Attributes:
        name: of the number in the data.
        low, high: the least and the largest in the data.
    """

    kind: str = "number"
    name: str
    low: float
    high: float

    def after(self, before: ConditionPlan) -> "NumberPlan":
        """Return the plan with the range of both."""
        if not isinstance(before, NumberPlan):
            return self
        return self.model_copy(update={"low": min(self.low, before.low), "high": max(self.high, before.high)})


class TagsPlan(ConditionPlan):
    """Tags: words that an image has or has not.

    Attributes:
        tags: all that there are, the most frequent first.
    """

    kind: str = "tags"
    tags: Annotated[tuple[str, ...], Field(min_length=1)]


class AugmentationPlan(ConditionPlan):
    """Augmentation as a condition of the network, in training alone. Users cannot ask for it, so it is not registered.

    Attributes:
        numbers: how many describe what was done to an image; all of them are 0 if nothing was.
    """

    kind: str = AUGMENTATION
    numbers: Annotated[int, Field(ge=1)]


class PicturePlan(ConditionPlan):
    """A picture of the image's own size: `picture` of the data; or downscaled, gray, edges or masked, of the image.

    Attributes:
        channels: of the images; of `picture`, those of the pictures.
        height, width: of the images.
        factor: by which the sides are downscaled; 1 for the other kinds.
        noise: the largest standard deviation, of 255, of the noise that training adds to downscaled pictures.
        consistent: whether the network predicts x_0 and projects it onto the images that have the picture.
    """

    channels: Literal[1, 3]
    height: Side
    width: Side
    factor: Annotated[int, Field(ge=1)] = 1
    noise: Annotated[int, Field(ge=0, le=255)] = 0
    consistent: bool = False

    @model_validator(mode="after")
    def _has_whole_pixels(self) -> "PicturePlan":
        if gcd(self.height, self.width) % self.factor:
            raise ValueError(f"factor must divide {self.height}x{self.width}, and {self.factor} does not")
        return self

    def after(self, before: ConditionPlan) -> "PicturePlan":
        """Return the plan with the channels and the projection of the model: the data may have other channels."""
        if not isinstance(before, PicturePlan):
            return self
        return self.model_copy(update={"channels": before.channels, "consistent": before.consistent})

    def resumed(self, before: ConditionPlan) -> ConditionPlan:
        """Return the plan before; this one if the images have another shape, which a run is refused for."""
        shape = {"height", "width"} if self.kind == PICTURE else {"height", "width", "channels"}
        return before if self.model_dump(include=shape).items() <= before.model_dump().items() else self


def _of_its_kind(value: Any) -> Any:
    """Validate a table by the class that its kind is registered with."""
    kind = value.get("kind") if isinstance(value, Mapping) else None
    return CONDITIONS.options(kind).model_validate(value) if isinstance(kind, str) else value


AnyCondition = Annotated[SerializeAsAny[ConditionPlan], BeforeValidator(_of_its_kind)]
