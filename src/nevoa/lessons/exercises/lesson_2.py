"""The exercises of lesson 2, the forward process."""

import torch
from torch import Tensor

from nevoa.diffusion import NoiseSchedule, log_snr_of
from nevoa.lessons.exercises.exercise import Exercise

BETA = NoiseSchedule.linear(1000).beta

GROWTH = Exercise(21.0, {"no_image": 20.0, "deviation": 21**0.5, "with_factor": 1.0})

SUM = Exercise(1.0, {"deviations": 1.4})

ALPHA_BAR = Exercise(
    lambda beta: (1 - beta).cumprod(0),
    {
        "of_beta": lambda beta: beta.cumprod(0),
        "sum": lambda beta: 1 - beta.cumsum(0),
        "last": lambda beta: (1 - beta).prod(),
        "signal": lambda beta: (1 - beta).sqrt().cumprod(0),
    },
    (BETA,),
)

X_0 = torch.tensor([[1.0, -1.0, 0.5], [0.0, 0.2, -0.7]], dtype=torch.float64)
EPSILON = torch.tensor([[0.3, -1.2, 0.8], [2.0, 0.1, -0.4]], dtype=torch.float64)


def _noised(x_0: Tensor, alpha_bar: float, epsilon: Tensor) -> Tensor:
    return alpha_bar**0.5 * x_0 + (1 - alpha_bar) ** 0.5 * epsilon


CLOSED_FORM = Exercise(
    _noised,
    {
        "no_roots": lambda x_0, alpha_bar, epsilon: alpha_bar * x_0 + (1 - alpha_bar) * epsilon,
        "no_root_of_noise": lambda x_0, alpha_bar, epsilon: alpha_bar**0.5 * x_0 + (1 - alpha_bar) * epsilon,
        "swapped": lambda x_0, alpha_bar, epsilon: _noised(epsilon, alpha_bar, x_0),
        "full_noise": lambda x_0, alpha_bar, epsilon: alpha_bar**0.5 * x_0 + epsilon,
    },
    (X_0, 0.75, EPSILON),
)


def even_timestep(schedule: NoiseSchedule) -> int:
    """Return the timestep at which the SNR is closest to 1."""
    return int(log_snr_of(schedule)[1:].abs().argmin()) + 1


EVEN = Exercise(
    even_timestep(NoiseSchedule.cosine(1000)),
    {
        "middle": 500,
        "off_by_one": even_timestep(NoiseSchedule.cosine(1000)) - 1,
        "linear": even_timestep(NoiseSchedule.linear(1000)),
    },
)

EXERCISES = (GROWTH, SUM, ALPHA_BAR, CLOSED_FORM, EVEN)
