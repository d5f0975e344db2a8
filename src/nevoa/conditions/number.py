"""A number of an image, such as its age."""

import math
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor, nn

from nevoa._util.arguments import to_python
from nevoa.config.condition import NumberPlan
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.networks import sinusoidal

# A number is embedded as a timestep is, from 0 at the least of the data to this at the largest.
SPAN, WIDTH = 30.0, 32
# Networks take numbers in float32, with 24 bits: a range of this part of the numbers still has 16,000 steps.
LEAST_RANGE = 2**-10
# A model divides by a range of at least this, also one whose numbers are all the same.
LEAST_SPREAD = 1e-9
# Float32 ends at 3e38, and the difference of two numbers must fit, too.
MOST = 1e38
RULE = "Each cell of such a column is a finite number, as in 1.5, or blank."


class Number:
    """Numbers in the range of the data.

    Example:
        >>> Number(NumberPlan(name="age", low=0, high=90)).tensor([30.0, None])
        tensor([30., nan])
    """

    words = "numbers"

    def __init__(self, plan: NumberPlan):
        self.plan = plan

    @classmethod
    def found(cls, images: ImageSet, detail: str | None) -> NumberPlan | None:
        """Return the plan for a number by its name, which follows the colon. A NevoaError if there is none of it."""
        if detail is None:
            return None  # a table has numbers that say nothing about the image, such as the one of its row
        if not (known := [*images.numbers]):
            raise NevoaError(f"{images.name} has no numbers: write them into a column of metadata.csv. {RULE}")
        if detail not in known:
            raise NevoaError(
                f"{images.name} has the numbers {', '.join(known)}: name one, as in number:{known[0]}. {RULE}"
            )
        if "." in detail:
            raise NevoaError(f"A number cannot have a name with a dot: call it {detail.replace('.', '_')}.")
        column = images.numbers[detail]
        low, high = float(np.nanmin(column)), float(np.nanmax(column))
        if max(abs(low), abs(high)) > MOST:
            raise NevoaError(
                f"The numbers {detail} of {images.name}, {low:.3g} to {high:.3g}, are too large for a network: give "
                "them in a larger unit."
            )
        if 0 < high - low < LEAST_SPREAD:
            warnings.warn(
                f"The numbers {detail} of {images.name}, {low:.15g} to {high:.15g}, are so small that a network can "
                "hardly tell them apart: give them in a smaller unit.",
                stacklevel=2,
            )
        if low < high < low + LEAST_RANGE * max(abs(low), abs(high)):
            warnings.warn(
                f"The numbers {detail} of {images.name}, {low:.15g} to {high:.15g}, differ by so little that a network "
                f"sees only steps of them, in float32: subtract {low:.15g} from each.",
                stacklevel=2,
            )
        return NumberPlan(name=detail, low=low, high=high)

    def values(
        self, images: ImageSet, indices: Int64[np.ndarray, " B"], chance: Shaped[np.ndarray, " B"]
    ) -> list[float | None]:
        """Return the number of each image; None where it has none."""
        column = images.numbers.get(self.plan.name)
        if column is None:
            return [None] * len(indices)
        return [None if math.isnan(value) else value for value in column[indices].tolist()]

    def asked(self, value: object) -> float:
        """Return a number. A NevoaError if it is none, or outside of the range of the data."""
        number = to_python(value)
        if type(number) not in (int, float) or not self.plan.low <= number <= self.plan.high:
            limits = f"from {self.plan.low:.15g} to {self.plan.high:.15g}"
            raise NevoaError(f"{self.plan.name} must be a number {limits}, as in the data, not {value!r:.60}.")
        return float(number)

    def tensor(self, values: Sequence[float | None]) -> Float[Tensor, " B"]:
        """Return numbers as a network gets them, NaN for none."""
        return torch.tensor([math.nan if value is None else value for value in values], dtype=torch.float32)

    def embedding(self, width: int) -> "NumberEmbedding":
        """Return the embedding of the number."""
        return NumberEmbedding(self.plan, width)


class NumberEmbedding(nn.Module):
    """Sinusoids of a number, then a two-layer perceptron; a vector of its own for none.

    The range of the data is part of the weights: a model that is trained further keeps it, so that a number keeps its
    meaning. Numbers outside of it are embedded as timesteps beyond T would be.

    Takes numbers `[B]`, and returns `[B, width]`.
    """

    def __init__(self, plan: NumberPlan, width: int):
        super().__init__()
        self.register_buffer("range", torch.tensor([plan.low, plan.high]))
        self.mlp = nn.Sequential(nn.Linear(WIDTH, width), nn.SiLU(), nn.Linear(width, width))
        self.none = nn.Parameter(torch.randn(width))

    def forward(self, numbers: Float[Tensor, " B"]) -> Float[Tensor, "B width"]:
        low, high = self.get_buffer("range").float()
        place = (numbers.nan_to_num() - low) / (high - low).clamp(min=LEAST_SPREAD)
        return torch.where(numbers.isnan()[:, None], self.none, self.mlp(sinusoidal(SPAN * place, WIDTH)))
