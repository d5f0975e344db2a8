"""The class of an image, the simplest condition."""

from collections.abc import Sequence

import torch
from jaxtyping import Int64, Shaped
from numpy import ndarray
from torch import Tensor

from nevoa.data import ImageSet, label_of


class Classes:
    """Classes by their labels. The number of classes is the label that means "no class".

    It has no embedding: networks have their own, which older models share.

    Example:
        >>> Classes(("cat", "dog")).tensor([1, None])
        tensor([1, 2])
    """

    # What a user calls them.
    words = "classes"

    def __init__(self, names: Sequence[str]):
        self.names, self.null_label = names, len(names)

    def values(self, images: ImageSet, indices: Int64[ndarray, " B"], chance: Shaped[ndarray, " B"]) -> list[int]:
        """Return the label of each image."""
        return images.labels[indices].tolist()

    def asked(self, value: int | str) -> int:
        """Return the label of a class, by name or index. A NevoaError if there is none."""
        return label_of(self.names, value)

    def tensor(self, values: Sequence[int | None]) -> Int64[Tensor, " B"]:
        """Return labels as a network gets them."""
        return torch.tensor([self.null_label if label is None else label for label in values], dtype=torch.int64)
