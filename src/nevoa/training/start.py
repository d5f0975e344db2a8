"""Training that starts from the weights of a model instead of random ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nevoa.config import ModelPlan, Plan
from nevoa.config.network import OBJECT
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.runs.model_files import GUIDE_PREFIX

# Adam at a tenth of the usual rate: what the model knows is to be adapted, not replaced.
FINE_TUNING: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 1e-4,
    "learning_rate_decay": "linear",
    "warmup_images": 2_000,
    "gradient_clip": 1.0,
    "ema_decay": 0.999,
    "guide": 0.0,  # early in a fine-tuning a model is not a worse version of what it becomes
}


# Where a network has its conditions besides classes.
OTHERS = "time.conditions."


def starting_from(model: Model) -> dict[str, dict[str, Any]]:
    """Return the layer of a config that trains a model further: its network, process, sampling and image shape.

    Raises:
        NevoaError: the model has a network, schedule or loss that is an object in place of a name.

    Example:
        >>> config = nevoa.configure("shapes", steps=100, start=starting_from(model))
    """
    plan, (channels, height, width) = model.plan, model.shape
    if plan.network.kind == OBJECT or plan.diffusion.schedule.startswith(OBJECT):
        raise NevoaError(
            "The model has a network or a schedule that is an object in place of a name: to train it further in Python,"
            " give network=model.network and schedule=model.schedule."
        )
    return {
        "data": {"size": [height, width], "channels": channels},
        "diffusion": plan.diffusion.model_dump(),
        "network": plan.network.model_dump(),
        "sampling": plan.sampling.model_dump(exclude={"autoguidance"}),  # which is for the guide that this model has
        "training": FINE_TUNING | timesteps_of(plan) | {"start": model.place or f"{OBJECT}:model"},
    }


def timesteps_of(plan: ModelPlan) -> dict[str, Any]:
    """How often a model was trained on each timestep: all alike, if that is not known."""
    return {"timestep_distribution": plan.training.timestep_distribution if isinstance(plan, Plan) else "uniform"}


def start_weights(model: Model, network: nn.Module, classes: Sequence[str]) -> dict[str, Tensor]:
    """Return the tensors of a model's network for a network of other classes, and those of its guide if it has one.

    A class that the model has keeps its embedding. A new one starts as "no class", so that the network at first
    predicts for it what it predicts for any image. Another kind of condition that the model has not starts at random;
    one that the network has not is left out.

    Raises:
        NevoaError: the network is not of the same kind and size.
    """
    guide = {} if model.guide is None else _fitting(model.guide, model.classes, network, classes)
    own = _fitting(model.network, model.classes, network, classes)
    return own | {GUIDE_PREFIX + name: tensor for name, tensor in guide.items()}


def _fitting(
    trained: nn.Module, before: tuple[str, ...], network: nn.Module, after: Sequence[str]
) -> dict[str, Tensor]:
    """The tensors of a trained network for one of other classes."""
    tensors = dict(trained.state_dict())
    if tuple(after) != before:
        tensors = _with_classes(tensors, getattr(network, "label_tensors", None), before, after)
    own = dict(network.state_dict())
    kept = {name: tensor for name, tensor in tensors.items() if name in own or not name.startswith(OTHERS)}
    tensors = {name: tensor for name, tensor in own.items() if name.startswith(OTHERS)} | kept
    wanted = {name: tensor.shape for name, tensor in own.items()}
    if wanted != {name: tensor.shape for name, tensor in tensors.items()}:
        raise NevoaError("The network is not that of the model to start from: leave out the network's own settings.")
    return {name: tensor.detach().float().cpu() for name, tensor in tensors.items()}


def _with_classes(
    tensors: dict[str, Tensor], names: tuple[str, str] | None, before: Sequence[str], after: Sequence[str]
) -> dict[str, Tensor]:
    """The tensors with the embeddings of other classes.

    Args:
        names: of the embedding, whose last row means "no class", and of the bias that it is added to.
    """
    if names is None:
        raise NevoaError("Only a model with the same classes can be trained further with this network.")
    embedding, bias = names
    width = len(tensors[bias])
    rows = tensors.pop(embedding, torch.zeros(1, width))
    null = rows[-1]
    if not after:
        return tensors | {bias: tensors[bias] + null}
    known: Mapping[str, Tensor] = dict(zip(before, rows, strict=False))
    return tensors | {embedding: torch.stack([*(known.get(name, null) for name in after), null])}
