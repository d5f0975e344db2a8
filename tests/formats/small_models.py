"""Small models with random weights that hide nothing: every layer that starts at zero has some."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from nevoa.config import ModelPlan, parse
from nevoa.model import Model, Shape
from nevoa.networks import build_network

PLAIN = {"kind": "residual", "dim": 8, "multipliers": [1, 2], "blocks": 1, "groups": 2, "attention": [False, True]}
FOLDED = PLAIN | {"patch": 2, "groups": 1, "adaptive": True, "attention": [False, False]}
CLASSES = ("cat", "dog", "fish")


def small_model(
    network: Mapping[str, Any] = PLAIN,
    shape: Shape = (3, 16, 16),
    classes: tuple[str, ...] = (),
    diffusion: Mapping[str, Any] | None = None,
    sampling: Mapping[str, Any] | None = None,
    guided: bool = False,
    conditions: Mapping[str, Any] | None = None,
    augment: Any = "auto",
) -> Model:
    """Return a model of so many pixels, as if it had been trained; guided, its guide has weights of its own."""
    plan = parse(
        {
            "classes": classes,
            "conditions": dict(conditions or {}),
            "data": {"augment": augment},
            "diffusion": {"timesteps": 50, "schedule": "cosine", "prediction": "v"} | dict(diffusion or {}),
            "network": dict(network),
            "sampling": dict(sampling or {}),
        },
        ModelPlan,
    )
    built, guide = (_built(plan, shape, seed) for seed in (0, 1))
    return Model(plan, built, shape, guide=guide if guided else None)


def _built(plan: ModelPlan, shape: Shape, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    built = build_network(plan.network, shape[0], len(plan.classes), plan.learned).eval()
    for parameter in built.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return built
