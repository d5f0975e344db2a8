"""The exercises of lesson 6, sampling and measuring."""

import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, choice

X_T = torch.tensor([0.4, -1.3, 0.9], dtype=torch.float64)
X_0 = torch.tensor([0.5, -0.8, 0.1], dtype=torch.float64)


def _ddim(x_t: Tensor, x_0: Tensor, signal_t: float, noise_t: float, signal_s: float, noise_s: float) -> Tensor:
    return signal_s * x_0 + noise_s * (x_t - signal_t * x_0) / noise_t


DDIM_STEP = Exercise(
    _ddim,
    {
        "of_t": lambda x_t, x_0, signal_t, noise_t, signal_s, noise_s: x_t,
        "x_t": lambda x_t, x_0, signal_t, noise_t, signal_s, noise_s: signal_s * x_0 + noise_s * x_t,
        "no_division": lambda x_t, x_0, signal_t, noise_t, signal_s, noise_s: (
            signal_s * x_0 + noise_s * (x_t - signal_t * x_0)
        ),
        "no_noise": lambda x_t, x_0, signal_t, noise_t, signal_s, noise_s: signal_s * x_0,
    },
    (X_T, X_0, 0.6, 0.8, 0.8, 0.6),
)


def _frechet(m_1: float, v_1: float, m_2: float, v_2: float) -> float:
    return (m_1 - m_2) ** 2 + v_1 + v_2 - 2 * (v_1 * v_2) ** 0.5


DISTANCE = Exercise(
    _frechet,
    {
        "variances": lambda m_1, v_1, m_2, v_2: (m_1 - m_2) ** 2 + (v_1 - v_2) ** 2,
        "no_square": lambda m_1, v_1, m_2, v_2: _frechet(m_1, v_1, m_2, v_2) - (m_1 - m_2) ** 2 + abs(m_1 - m_2),
        "root": lambda m_1, v_1, m_2, v_2: _frechet(m_1, v_1, m_2, v_2) ** 0.5,
        "no_root": lambda m_1, v_1, m_2, v_2: (m_1 - m_2) ** 2 + v_1 + v_2 - 2 * v_1 * v_2,
    },
    (0.3, 0.5, -0.4, 1.2),
)

CONDITIONAL = torch.tensor([0.2, -0.7], dtype=torch.float64)
UNCONDITIONAL = torch.tensor([0.5, 0.1], dtype=torch.float64)

GUIDED = Exercise(
    lambda conditional, unconditional, weight: unconditional + weight * (conditional - unconditional),
    {
        "conditional": lambda conditional, unconditional, weight: conditional + weight * (conditional - unconditional),
        "sign": lambda conditional, unconditional, weight: unconditional + weight * (unconditional - conditional),
        "larger": lambda conditional, unconditional, weight: weight * conditional,
    },
    (CONDITIONAL, UNCONDITIONAL, 3.0),
)


EXERCISES = (DDIM_STEP, choice("a"), DISTANCE, GUIDED, choice("b"))
