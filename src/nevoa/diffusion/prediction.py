"""The predictions of networks, and the conversions between them: one table.

In every row, `x_t = signal x_0 + noise epsilon`.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nevoa.config.names import PredictionName
from nevoa.diffusion.schedule import Schedule
from nevoa.errors import NevoaError


class Prediction(NamedTuple):
    """One kind of output.

    Attributes:
        target: (x_0, epsilon, signal, noise) -> the output of a perfect network.
        x_0: (output, x_t, signal, noise) -> the clean images that the output implies.
        epsilon: (output, x_t, signal, noise) -> the noise that it implies.
        error: snr -> the squared error of the output per squared error of x_0, where snr = (signal / noise)^2.
    """

    target: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    x_0: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    epsilon: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    error: Callable[[Tensor], Tensor]


PREDICTIONS: dict[PredictionName, Prediction] = {
    "epsilon": Prediction(
        target=lambda x_0, epsilon, signal, noise: epsilon,
        x_0=lambda output, x_t, signal, noise: (x_t - noise * output) / signal,
        epsilon=lambda output, x_t, signal, noise: output,
        error=lambda snr: snr,
    ),
    "x0": Prediction(
        target=lambda x_0, epsilon, signal, noise: x_0,
        x_0=lambda output, x_t, signal, noise: output,
        epsilon=lambda output, x_t, signal, noise: (x_t - signal * output) / noise,
        error=lambda snr: snr.new_ones(()),
    ),
    # Salimans and Ho 2022, section 4; only where signal^2 + noise^2 = 1.
    "v": Prediction(
        target=lambda x_0, epsilon, signal, noise: signal * epsilon - noise * x_0,
        x_0=lambda output, x_t, signal, noise: signal * x_t - noise * output,
        epsilon=lambda output, x_t, signal, noise: noise * x_t + signal * output,
        error=lambda snr: snr + 1,
    ),
    # The velocity of rectified flow (Liu et al. 2022, equation 1; Lipman et al. 2023, equation 23).
    "flow": Prediction(
        target=lambda x_0, epsilon, signal, noise: epsilon - x_0,
        x_0=lambda output, x_t, signal, noise: (x_t - noise * output) / (signal + noise),
        epsilon=lambda output, x_t, signal, noise: (x_t + signal * output) / (signal + noise),
        error=lambda snr: (snr.sqrt() + 1) ** 2,
    ),
}


def check_prediction(prediction: PredictionName, schedule: Schedule) -> None:
    """Raise NevoaError if x_0 cannot be computed from that prediction with that schedule."""
    if prediction == "epsilon" and schedule.signal[-1] == 0:
        raise NevoaError("This schedule leaves no signal at T, so x_T is the noise itself: predict v, x0 or flow.")
    power = schedule.signal**2 + schedule.noise**2
    if prediction == "v" and not torch.allclose(power, torch.ones_like(power)):
        raise NevoaError("The prediction v needs signal^2 + noise^2 = 1: predict flow or x0 instead.")
