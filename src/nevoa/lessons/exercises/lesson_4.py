"""The exercises of lesson 4, the network."""

import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, choice
from nevoa.networks import sinusoidal

TIMESTEPS, WIDTH = torch.tensor([1, 7, 500]), 8


def _angle(t: Tensor, width: int, divisor: int) -> Tensor:
    return t[:, None] * 10000 ** (-torch.arange(width // 2) / divisor)


def _embedded(angle: Tensor) -> Tensor:
    return torch.cat([angle.sin(), angle.cos()], dim=1)


EMBEDDING = Exercise(
    sinusoidal,
    {
        "divisor": lambda t, width: _embedded(_angle(t, width, width // 2)),
        "alternating": lambda t, width: torch.stack(
            [_angle(t, width, width // 2 - 1).sin(), _angle(t, width, width // 2 - 1).cos()], dim=2
        ).flatten(1),
        "cosines": lambda t, width: _angle(t, width, width // 2 - 1).cos().repeat(1, 2),
        "angles": lambda t, width: _angle(t, width, width // 2 - 1),
    },
    (TIMESTEPS, WIDTH),
)


RECEPTIVE_FIELD = Exercise(11, {"widths": 13, "first": 7, "itself": 10, "area": 121})


def _normed(x: Tensor, groups: int, dims: tuple[int, ...] = (2,), unbiased: bool = False) -> Tensor:
    parts = x.unflatten(1, (groups, -1)).flatten(2)
    variance = parts.var(dims, unbiased=unbiased, keepdim=True)
    return ((parts - parts.mean(dims, keepdim=True)) / (variance + 1e-5).sqrt()).view_as(x)


def _without_root(x: Tensor, groups: int) -> Tensor:
    parts = x.unflatten(1, (groups, -1)).flatten(2)
    return ((parts - parts.mean(2, keepdim=True)) / parts.var(2, unbiased=False, keepdim=True)).view_as(x)


GENERATOR = torch.Generator().manual_seed(0)
FEATURES = 2 + torch.randn(2, 6, 2, 2, generator=GENERATOR) * torch.arange(1, 7)[:, None, None]

GROUP_NORM = Exercise(
    _normed,
    {
        "unbiased": lambda x, groups: _normed(x, groups, unbiased=True),
        "channels": lambda x, groups: _normed(x, x.shape[1]),
        "all_channels": lambda x, groups: _normed(x, 1),
        "no_root": _without_root,
        "images": lambda x, groups: _normed(x, groups, dims=(0, 2)),
    },
    (FEATURES, 3),
)


QUERIES, KEYS, VALUES = torch.randn(3, 5, 4, generator=GENERATOR).unbind()

ATTENTION = Exercise(
    lambda q, k, v: (q @ k.T / q.shape[1] ** 0.5).softmax(1) @ v,
    {
        "no_scale": lambda q, k, v: (q @ k.T).softmax(1) @ v,
        "columns": lambda q, k, v: (q @ k.T / q.shape[1] ** 0.5).softmax(0) @ v,
        "no_root": lambda q, k, v: (q @ k.T / q.shape[1]).softmax(1) @ v,
        "no_softmax": lambda q, k, v: q @ k.T / q.shape[1] ** 0.5 @ v,
    },
    (QUERIES, KEYS, VALUES),
)

EXERCISES = (EMBEDDING, choice("a"), RECEPTIVE_FIELD, GROUP_NORM, choice("c"), ATTENTION)
