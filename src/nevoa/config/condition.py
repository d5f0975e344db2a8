"""The part of a plan that describes conditions other than classes, with a section for each kind."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated, Any
from zlib import decompressobj, error

from pydantic import BeforeValidator, Field, SerializeAsAny, field_validator

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

    @field_validator("seen")
    @classmethod
    def _is_bits(cls, value: str) -> str:
        bits_of(value)
        return value


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


class TagsPlan(ConditionPlan):
    """Tags: words that an image has or has not.

    Attributes:
        tags: all that there are, the most frequent first.
    """

    kind: str = "tags"
    tags: Annotated[tuple[str, ...], Field(min_length=1)]


def _of_its_kind(value: Any) -> Any:
    """Validate a table by the class that its kind is registered with."""
    kind = value.get("kind") if isinstance(value, Mapping) else None
    return CONDITIONS.options(kind).model_validate(value) if isinstance(kind, str) else value


AnyCondition = Annotated[SerializeAsAny[ConditionPlan], BeforeValidator(_of_its_kind)]
