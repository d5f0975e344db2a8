"""The exercises of lesson 5, training."""

from typing import Any

import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, choice

NOTHING = Exercise(1.0, {"mean": 0.0, "half": 0.5})

GENERATOR = torch.Generator().manual_seed(0)
X_0, EPSILON = torch.randn(2, 3, 1, 2, 2, generator=GENERATOR).unbind()
SIGNAL = torch.tensor([0.9, 0.6, 0.1]).view(3, 1, 1, 1)
NOISE = (1 - SIGNAL**2).sqrt()
TIMESTEPS = torch.tensor([10, 300, 900])


def _network(x_t: Tensor, t: Tensor) -> Tensor:
    return 0.5 * x_t + t.view(-1, 1, 1, 1) / 1000


def _loss(network: Any, x_0: Tensor, t: Tensor, epsilon: Tensor, signal: Tensor, noise: Tensor) -> Tensor:
    return ((network(signal * x_0 + noise * epsilon, t) - epsilon) ** 2).mean()


LOSS = Exercise(
    _loss,
    {
        "x_0": lambda network, x_0, t, epsilon, signal, noise: (
            (network(signal * x_0 + noise * epsilon, t) - x_0) ** 2
        ).mean(),
        "clean": lambda network, x_0, t, epsilon, signal, noise: ((network(x_0, t) - epsilon) ** 2).mean(),
        "sum": lambda network, x_0, t, epsilon, signal, noise: (
            (network(signal * x_0 + noise * epsilon, t) - epsilon) ** 2
        ).sum(),
        "scaled": lambda network, x_0, t, epsilon, signal, noise: (
            (network(signal * x_0 + noise * epsilon, t) - noise * epsilon) ** 2
        ).mean(),
        "absolute": lambda network, x_0, t, epsilon, signal, noise: (
            (network(signal * x_0 + noise * epsilon, t) - epsilon).abs().mean()
        ),
    },
    (_network, X_0, TIMESTEPS, EPSILON, SIGNAL, NOISE),
)


AVERAGE = Exercise(
    lambda average, weight, decay: decay * average + (1 - decay) * weight,
    {
        "swapped": lambda average, weight, decay: (1 - decay) * average + decay * weight,
        "sum": lambda average, weight, decay: decay * average + weight,
        "even": lambda average, weight, decay: (average + weight) / 2,
    },
    (torch.tensor([1.0, -0.5], dtype=torch.float64), torch.tensor([0.2, 0.3], dtype=torch.float64), 0.9),
)

FORGETTING = Exercise(459, {"early": 458, "linear": 99, "hundred": 100})

NEXT_NUMBER = Exercise(2**-7, {"eight": 2**-8, "float16": 2**-10, "itself": 1 + 2**-7})

EXERCISES = (NOTHING, LOSS, choice("b"), AVERAGE, FORGETTING, NEXT_NUMBER)
