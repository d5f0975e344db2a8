"""The transformations of augmentation and their chances: the values of `data.augment`."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import chain
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from nevoa._util.arguments import to_python
from nevoa.errors import unknown

# How many numbers describe what a transformation did to an image; all are 0 if it did nothing. The network gets these
# numbers. A flip has none, so the images that the network makes are flipped, too.
NUMBERS: dict[str, int] = {
    "flip": 0,
    "mirror": 1,
    "shift": 2,
    "scale": 1,
    "rotate": 2,
    "squeeze": 2,
    "colour": 3,
}
CONDITIONED = tuple(name for name, count in NUMBERS.items() if count)
# Usual: Karras et al. 2022, appendix F.2, for CIFAR-10. With strong, one image in six is left as it is.
HALF, USUAL, STRONG = 0.5, 0.12, 0.25
ALONE = "auto", "none", "strong"
WANTED = f"Input should be {', '.join(ALONE)} or a chance above 0 and at most 1, alone, or names of transformations"
Chance = Annotated[float, Field(gt=0, le=1)]
Chances = Mapping[str, Chance]


def chances_of(value: Any) -> Any:
    """Return the chance of each transformation that `data.augment` names, in the order of the table; "auto" stays.

    Example:
        >>> chances_of(["flip", "shift"]), chances_of("none")
        ({'flip': 0.5, 'shift': 0.12}, {})
    """
    if isinstance(value, Mapping):
        return _of_names(value, value)
    several = found if isinstance(found := to_python(value), tuple) else (found,)
    several = tuple(chain.from_iterable(one.split(",") if isinstance(one, str) else [one] for one in several))
    if several in (("auto",), ("none",)):
        return "auto" if "auto" in several else {}
    if several == ("strong",):
        return dict.fromkeys(CONDITIONED, STRONG)
    if len(several) == 1 and (chance := _number(several[0])) is not None:
        if not 0 < chance <= 1:
            raise ValueError(WANTED)
        return dict.fromkeys(CONDITIONED, chance)
    if not all(isinstance(name, str) and name not in ALONE and _number(name) is None for name in several):
        raise ValueError(WANTED)
    return _of_names(several, {"flip": HALF})


def _of_names(names: Iterable[Any], chances: Mapping[Any, Any]) -> dict[str, Any]:
    """The chances of some transformations, the usual one where there is none. A NevoaError for an unknown name."""
    if wrong := [name for name in names if name not in NUMBERS]:
        raise unknown("transformation", wrong[0], [*ALONE, *NUMBERS])
    return {name: chances.get(name, USUAL) for name in NUMBERS if name in names}


def _number(value: Any) -> float | None:
    """A number, or the one in a text that a user typed."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with suppress(ValueError):
            return float(value)
    return None


Decided = Annotated[Chances, BeforeValidator(chances_of)]
# As a user asks for them; what "auto" is depends on the images, and on how often they are seen.
Augment = Annotated[
    Chances | Literal["auto"],
    BeforeValidator(chances_of),
    WithJsonSchema({"enum": [*ALONE, "number above 0 to 1", *NUMBERS]}),
]
