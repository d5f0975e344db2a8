"""The interface of a kind of condition."""

from collections.abc import Sequence
from typing import Any, Protocol

from jaxtyping import Int64, Shaped
from numpy import ndarray
from torch import Tensor, nn

from nevoa.config.condition import ConditionPlan
from nevoa.data import ImageSet


class Kind(Protocol):
    """A kind of condition of a model: classes, texts, or one that a plugin registers.

    It is made with its plan. A value is what one image is asked to be, as Python has it; None asks for nothing.

    A picture has an attribute `channels` in place of `embedding`: its tensor is `[B, channels, H, W]`, of the size of
    the images, and joins the first layer of the network (`nevoa.networks.Pictures`). It may have a method `several`,
    which returns the values in what a user asks for; without it, these are the items of a list or array. Any kind may
    have a method `warn_of`, which gets all values that a user asks for, and warns of what the model cannot understand.

    Attributes:
        words: what a user calls what is asked for, in the plural, such as "prompts".

    Example:
        >>> nevoa.register("condition", "brightness", Brightness, BrightnessPlan)  # docs/extending.md has all of it
    """

    words: str

    @classmethod
    def found(cls, images: ImageSet, detail: str | None) -> ConditionPlan | None:
        """Return the plan for the conditions in the data; None if they have none of this kind.

        Args:
            detail: what follows the colon in `--condition kind:detail`, "" without one; None if nobody asked for the
                kind, and presets take what the data have.
        """
        ...

    def values(self, images: ImageSet, indices: Int64[ndarray, " B"], chance: Shaped[ndarray, " B"]) -> Sequence[Any]:
        """Return what the data say about some of their images.

        Args:
            chance: for each image a random number in [0, 1), by which to choose where the data say several things.
        """
        ...

    def asked(self, value: Any) -> Any:
        """Return what a user asks for as a value. A NevoaError if the model cannot be asked for it."""
        ...

    def tensor(self, values: Sequence[Any]) -> Shaped[Tensor, "B ..."]:
        """Return values as a network gets them."""
        ...

    def embedding(self, width: int) -> nn.Module:
        """Return the module that turns such tensors into vectors `[B, width]`, which join that of the timestep.

        It may return tokens `[B, L, D]` beside the vector, to which the middle of the network attends; its attribute
        `token_width` is D then.
        """
        ...
