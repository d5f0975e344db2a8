"""All conditions of a model together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from nevoa._util.arguments import to_python
from nevoa.conditions.classes import Classes
from nevoa.conditions.kind import Kind
from nevoa.config import ModelPlan
from nevoa.config.names import CLASS
from nevoa.config.registry import CONDITIONS
from nevoa.data import ImageSet
from nevoa.diffusion import Condition
from nevoa.errors import NevoaError


@dataclass(frozen=True)
class Conditions:
    """The kinds of condition that a model knows, by name.

    Attributes:
        labels_alone: whether its network gets labels in place of tensors by name, for it knows classes alone.

    Example:
        >>> conditions_of(model.plan).of({"class": [0, 1, None]}, 3)
        tensor([ 0,  1, 10])
    """

    kinds: Mapping[str, Any]
    labels_alone: bool

    def __bool__(self) -> bool:
        return bool(self.kinds)

    def asked(self, name: str, values: Any) -> Sequence[Any]:
        """Return what a user asks for of a kind: one value or several. A NevoaError if the model does not know it."""
        if name not in self.kinds:
            raise NevoaError(
                f"This model {self._known()}: it cannot be asked for {_words(name)}. Leave that out, or use a model "
                f"that was trained with --condition {name}."
            )
        kind = self.kinds[name]
        several = kind.several(values) if hasattr(kind, "several") else _several(values)
        if not several:
            raise NevoaError(f"There are no {_words(name)} to ask for: name one, or leave them out.")
        asked = [kind.asked(value) for value in several]
        if hasattr(kind, "warn_of"):
            kind.warn_of(asked)
        return asked

    def _known(self) -> str:
        known = " and ".join(name if ":" in name else kind.words for name, kind in self.kinds.items())
        return f"knows {known}" if known else "knows no conditions"

    def of(self, values: Mapping[str, Sequence[Any]], count: int) -> Condition:
        """Return the condition of `count` images, with None for each kind without values."""
        tensors = {name: kind.tensor(values.get(name, [None] * count)) for name, kind in self.kinds.items()}
        return tensors[CLASS] if self.labels_alone else tensors

    def in_data(
        self,
        images: ImageSet,
        indices: Int64[np.ndarray, " B"],
        chance: Mapping[str, Float64[np.ndarray, " B"]],
        dropped: Mapping[str, np.ndarray],
    ) -> Condition:
        """Return the condition of images as the data have it.

        Args:
            chance: by kind, for each image a number in [0, 1) by which to choose where the data say several things.
            dropped: by kind, whether it is withheld from each image (Ho and Salimans 2022, algorithm 1).
        """
        values = {}
        for name, kind in self.kinds.items():
            said = kind.values(images, indices, chance[name])
            values[name] = [None if gone else value for value, gone in zip(said, dropped[name].tolist(), strict=True)]
        return self.of(values, len(indices))

    def as_in(self, images: ImageSet) -> Condition | None:
        """Return the condition of all images of a set, each by the first of what the data say; None without kinds."""
        if not self.kinds:
            return None
        zeros = dict.fromkeys(self.kinds, np.zeros(len(images)))
        return self.in_data(images, np.arange(len(images)), zeros, zeros)


def _several(values: Any) -> Sequence[Any]:
    several = to_python(values)
    return several if isinstance(several, tuple | list) else [several]


def _words(name: str) -> str:
    """Return the word for several values of a kind, such as "prompts"."""
    return Classes.words if name == CLASS else CONDITIONS[name].words if name in CONDITIONS.own else name


def conditions_of(plan: ModelPlan) -> Conditions:
    """Return the conditions of a model.

    Example:
        >>> [*conditions_of(model.plan).kinds]
        ['class']
    """
    kinds: dict[str, Kind | Classes] = {CLASS: Classes(plan.classes)} if plan.classes else {}
    kinds |= {name: CONDITIONS[one.kind](one) for name, one in plan.conditions.items()}
    return Conditions(kinds, not plan.conditions)
