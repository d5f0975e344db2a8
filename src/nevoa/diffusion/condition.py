"""The condition of a batch of images: labels, or a tensor for each kind of condition."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from jaxtyping import Int64, Shaped
from torch import Tensor

Labels = Int64[Tensor, " B"]
# The label of each image, for a network that knows classes alone; otherwise the tensor of each kind, by its name.
Condition = Labels | Mapping[str, Shaped[Tensor, "B ..."]]
SomeCondition = TypeVar("SomeCondition", bound=Tensor | Mapping[str, Tensor])


def mapped(change: Callable[..., Tensor], first: SomeCondition, *others: SomeCondition) -> SomeCondition:
    """Return a condition whose tensors are made of those of one or several.

    Example:
        >>> mapped(lambda tensor: tensor[:2], torch.tensor([3, 1, 4]))
        tensor([3, 1])
    """
    if isinstance(first, Mapping):
        return {name: change(*(one[name] for one in (first, *others))) for name in first}  # pyright: ignore
    return change(first, *others)
