"""The exercises of lesson 3, the reverse process."""

import math

import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, choice

X_0 = torch.tensor([0.5, -1.0, 0.2], dtype=torch.float64)
X_T = torch.tensor([0.1, -0.3, 1.5], dtype=torch.float64)
BETA_T, ALPHA_BAR_T = 0.1, 0.45
ALPHA_BAR_S = ALPHA_BAR_T / (1 - BETA_T)

Pair = tuple[Tensor, float]


def _posterior(x_0: Tensor, x_t: Tensor, beta_t: float, bar_s: float, bar_t: float) -> Pair:
    weight_0 = math.sqrt(bar_s) * beta_t / (1 - bar_t)
    weight_t = math.sqrt(1 - beta_t) * (1 - bar_s) / (1 - bar_t)
    return weight_0 * x_0 + weight_t * x_t, beta_t * (1 - bar_s) / (1 - bar_t)


POSTERIOR = Exercise(
    _posterior,
    {
        "beta": lambda x_0, x_t, beta_t, bar_s, bar_t: (_posterior(x_0, x_t, beta_t, bar_s, bar_t)[0], beta_t),
        "swapped": lambda x_0, x_t, beta_t, bar_s, bar_t: _posterior(x_t, x_0, beta_t, bar_s, bar_t),
        "deviation": lambda x_0, x_t, beta_t, bar_s, bar_t: (
            _posterior(x_0, x_t, beta_t, bar_s, bar_t)[0],
            _posterior(x_0, x_t, beta_t, bar_s, bar_t)[1] ** 0.5,
        ),
        "no_roots": lambda x_0, x_t, beta_t, bar_s, bar_t: (
            (bar_s * beta_t * x_0 + (1 - beta_t) * (1 - bar_s) * x_t) / (1 - bar_t),
            beta_t * (1 - bar_s) / (1 - bar_t),
        ),
    },
    (X_0, X_T, BETA_T, ALPHA_BAR_S, ALPHA_BAR_T),
)


def _divergence(mean_1: float, variance_1: float, mean_2: float, variance_2: float) -> float:
    ratio = variance_1 / variance_2
    return (ratio - math.log(ratio) - 1 + (mean_1 - mean_2) ** 2 / variance_2) / 2


DIVERGENCE = Exercise(
    _divergence,
    {
        "reversed": lambda m_1, v_1, m_2, v_2: _divergence(m_2, v_2, m_1, v_1),
        "twice": lambda m_1, v_1, m_2, v_2: 2 * _divergence(m_1, v_1, m_2, v_2),
        "squared": lambda m_1, v_1, m_2, v_2: _divergence(m_1, v_1**2, m_2, v_2**2),
        "equal_variances": lambda m_1, v_1, m_2, v_2: (m_1 - m_2) ** 2 / (2 * v_2),
    },
    (0.3, 0.5, -0.4, 0.8),
)

FROM_V = Exercise(
    lambda v, x_t, signal, noise: (signal * x_t - noise * v, noise * x_t + signal * v),
    {
        "signs": lambda v, x_t, signal, noise: (signal * x_t + noise * v, noise * x_t - signal * v),
        "order": lambda v, x_t, signal, noise: (noise * x_t + signal * v, signal * x_t - noise * v),
        "epsilon": lambda v, x_t, signal, noise: ((x_t - noise * v) / signal, v),
    },
    (torch.tensor([0.7, -1.1], dtype=torch.float64), torch.tensor([0.2, 0.9], dtype=torch.float64), 0.8, 0.6),
)


EXERCISES = (choice("b"), POSTERIOR, DIVERGENCE, FROM_V, choice("small", ("small", "large")))
