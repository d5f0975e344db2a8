"""Embedding of the timestep and, for conditional networks, of the condition."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int, Int64, Shaped
from torch import Tensor, nn

from nevoa.config.condition import AugmentationPlan, ConditionPlan
from nevoa.config.names import AUGMENTATION, CLASS
from nevoa.config.registry import CONDITIONS
from nevoa.errors import NevoaError

Conditions = Mapping[str, ConditionPlan] | None
# Labels, of a network that knows classes alone; otherwise a tensor for each kind, by name.
Condition = Int64[Tensor, " B"] | Mapping[str, Shaped[Tensor, "B ..."]]


def null_condition(
    classes: int, conditions: Conditions = None, count: int = 1, device: str | torch.device = "cpu"
) -> Condition | None:
    """Return the condition of images of which nothing is asked; None for a network that knows no conditions.

    Example:
        >>> null_condition(classes=10, count=2)
        tensor([10, 10])
    """
    labels = {CLASS: torch.full((count,), classes, dtype=torch.int64, device=device)} if classes else {}
    others = {name: kind.tensor([None] * count) for name, kind in kinds_of(conditions).items()}
    if numbers := augmentation_numbers(conditions):
        others[AUGMENTATION] = torch.zeros(count, numbers)
    if not others:
        return labels.get(CLASS)
    return labels | {name: tensor.to(device) for name, tensor in others.items()}


def kinds_of(conditions: Conditions) -> dict[str, Any]:
    """Return the kinds of condition that an image can be asked for, besides classes, by name."""
    asked = {name: one for name, one in (conditions or {}).items() if not isinstance(one, AugmentationPlan)}
    return {name: CONDITIONS[one.kind](one) for name, one in asked.items()}


def augmentation_numbers(conditions: Conditions) -> int:
    """Return how many numbers describe what was done to a training image; 0 if the network is not conditioned on it."""
    return sum(one.numbers for one in (conditions or {}).values() if isinstance(one, AugmentationPlan))


def frequencies(width: int, device: torch.device | None = None) -> Float[Tensor, " half"]:
    """Return `10000^(-i / (width / 2 - 1))` for i = 0 … width / 2 - 1."""
    half = width // 2
    return torch.exp(torch.arange(half, device=device) * (-math.log(10_000) / (half - 1)))


def sinusoidal(t: Int[Tensor, " B"] | Float[Tensor, " B"], width: int) -> Float[Tensor, "B width"]:
    """Return the sines, then the cosines, of t times each of the frequencies.

    Example:
        >>> sinusoidal(t, 32).shape
        torch.Size([4, 32])
    """
    angle = t[:, None].float() * frequencies(width, t.device)
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class TimestepEmbedding(nn.Module):
    """Sinusoids of width `dim`, then a two-layer perceptron of width `4 dim`, plus the embedding of the condition.

    Args:
        dim: even and at least 4.
        classes: how many labels there are, besides `null_label` ("no class"), whose index is `classes`. 0 if the
            network knows no classes.
        conditions: the other kinds of condition by name, and what was done to training images. Pictures are left to
            `Pictures`.

    Takes timesteps `[B]` and a condition. Of a network that knows classes alone it is labels `[B]` from 0 to `classes`,
    where None stands for the null label; otherwise a tensor by name for each kind, with the labels under "class".
    What was done to an image is left out where nothing was, as when sampling: its zeros would add nothing.
    Returns the vector `[B, 4 dim]`, and tokens `[B, L, D]` of each kind that has some, as a text has. Raises a
    ValueError if an unconditional network gets a condition, or one is missing.

    Attributes:
        token_widths: D of each kind that has tokens.

    Example:
        >>> time, tokens = TimestepEmbedding(32, torch.nn.GELU())(t)
        >>> time.shape, tokens
        (torch.Size([4, 128]), [])
    """

    def __init__(
        self,
        dim: int,
        activation: nn.Module,
        classes: int = 0,
        conditions: Conditions = None,
    ):
        super().__init__()
        self.dim, self.null_label = dim, classes
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), activation, nn.Linear(4 * dim, 4 * dim))
        # Initialised as unit Gaussians: with smaller ones the Fréchet distance was a third larger after a minute.
        self.labels = nn.Embedding(classes + 1, 4 * dim) if classes else None
        kinds, numbers = kinds_of(conditions), augmentation_numbers(conditions)
        self.augmentation = nn.Linear(numbers, 4 * dim, bias=False) if numbers else None
        if self.augmentation is not None:  # from zero, Adam learned it too late, and samples showed what was done
            nn.init.normal_(self.augmentation.weight)
        embeddings = {name: kind.embedding(4 * dim) for name, kind in kinds.items() if not hasattr(kind, "channels")}
        if reserved := [name for name in kinds if hasattr(nn.ModuleDict(), name)]:
            raise NevoaError(
                f"A condition cannot be named '{reserved[0]}', because torch.nn.ModuleDict has a method of this name: "
                "choose another."
            )
        self.conditions = nn.ModuleDict(embeddings) if kinds else None
        self.token_widths = [int(one.token_width) for one in embeddings.values() if hasattr(one, "token_width")]

    def forward(
        self, t: Int[Tensor, " B"], condition: Condition | None = None
    ) -> tuple[Float[Tensor, "B time"], list[Float[Tensor, "B _ _"]]]:
        time, tokens = self.mlp(sinusoidal(t, self.dim)), []
        if self.augmentation is not None and isinstance(condition, Mapping):
            if AUGMENTATION in condition:
                time = time + self.augmentation(condition[AUGMENTATION])
            condition = condition if self.conditions is not None else condition.get(CLASS)
        if self.conditions is not None:
            if not isinstance(condition, Mapping):
                raise ValueError("a network of several conditions takes a tensor for each, by name")
            for name, module in self.conditions.items():
                vector, *own = found if isinstance(found := module(condition[name]), tuple) else (found,)
                time, tokens = time + vector, tokens + own
            condition = condition.get(CLASS)
        if self.labels is None:
            if condition is not None:
                raise ValueError("a network without classes takes no labels")
            return time, tokens
        return time + self.labels(torch.full_like(t, self.null_label) if condition is None else condition), tokens
