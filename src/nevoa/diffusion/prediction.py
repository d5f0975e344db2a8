"""What the network outputs, and how each kind becomes the others: one table.

With a = sqrt(alpha_bar) and b = sqrt(1 - alpha_bar), x_t = a x_0 + b epsilon, and v = a epsilon - b x_0
(Salimans and Ho 2022, section 4).
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from nevoa.vocabulary import PredictionName


class Prediction(NamedTuple):
    """One kind of output.

    Attributes:
        target: (x_0, epsilon, a, b) -> what the network should output.
        x_0: (output, x_t, a, b) -> the clean images it stands for.
        epsilon: (output, x_t, a, b) -> the noise it stands for.
    """

    target: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    x_0: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    epsilon: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


PREDICTIONS: dict[PredictionName, Prediction] = {
    "epsilon": Prediction(
        target=lambda x_0, epsilon, a, b: epsilon,
        x_0=lambda output, x_t, a, b: (x_t - b * output) / a,
        epsilon=lambda output, x_t, a, b: output,
    ),
    "x0": Prediction(
        target=lambda x_0, epsilon, a, b: x_0,
        x_0=lambda output, x_t, a, b: output,
        epsilon=lambda output, x_t, a, b: (x_t - a * output) / b,
    ),
    "v": Prediction(
        target=lambda x_0, epsilon, a, b: a * epsilon - b * x_0,
        x_0=lambda output, x_t, a, b: a * x_t - b * output,
        epsilon=lambda output, x_t, a, b: b * x_t + a * output,
    ),
}
