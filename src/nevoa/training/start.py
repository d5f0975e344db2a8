"""Training that starts from the weights of a model instead of random ones."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nevoa._util.arguments import counted
from nevoa.config import ModelPlan, Plan
from nevoa.config.condition import ConditionPlan, TagsPlan
from nevoa.config.network import OBJECT
from nevoa.data import ImageSet
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


# Where a network has its conditions besides classes, attends to their tokens, and adds pictures.
CONDITIONS = "time.conditions."
OTHERS = CONDITIONS, "cross.", "pictures."
# Its layer for what was done to training images, which each training learns anew.
AUGMENTATION = "time.augmentation."
# What starts at zero in a kind of condition that is new: the vector for "nothing asked", and what attention adds.
AT_ZERO = ".none", ".out.weight", ".out.bias"


def check_start(start: object) -> None:
    """Raise a NevoaError if the start of a training is neither a model nor None."""
    if not isinstance(start, Model | None):
        raise NevoaError(f"start must be a model, such as nevoa.load({str(start)!r:.60}), not {start!r:.60}.")


def starting_from(model: Model) -> dict[str, dict[str, Any]]:
    """Return the layer of a config that trains a model further: its network, process, sampling and image shape.

    Raises:
        NevoaError: the model is distilled, or has a network, schedule or loss that is an object in place of a name.

    Example:
        >>> config = nevoa.configure("shapes", steps=100, start=starting_from(model))
    """
    plan, (channels, height, width) = model.plan, model.shape
    if plan.distilled_from:
        raise NevoaError(
            "A distilled model knows only the few timesteps of its own steps, so no training begins with it: begin "
            f"with its teacher, {plan.distilled_from}."
        )
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


def warn_of_lost(before: Sequence[str], after: Sequence[str], images: str) -> None:
    """Warn that a model cannot be asked for kinds of condition that the model it starts from knows."""
    if lost := [name for name in before if name not in after]:
        warnings.warn(
            f"The model to start from knows {', '.join(lost)}, and {images} says nothing of the kind: the new model "
            "cannot be asked for it. --condition chooses what is learned.",
            stacklevel=2,
        )


def check_suits(model: Model, images: ImageSet) -> None:
    """Check that images can train a model further: a NevoaError for other channels, a warning for another size.

    Example:
        >>> check_suits(model, images)
    """
    (channels, *sides), (own, *own_sides) = images.shape, model.shape
    if channels != own:
        raise NevoaError(
            f"The images have {counted(channels, 'channel')}, and the model to start from makes images of {own}: leave "
            f"out --channels, or give images of {counted(own, 'channel')}."
        )
    if sides != own_sides:
        now, before = ("{}x{}".format(*pair) for pair in (sides, own_sides))
        warnings.warn(
            f"The images are {now}, and the model to start from makes images of {before}: its network takes both, and "
            "has to learn the new size.",
            stacklevel=2,
        )


def start_weights(
    model: Model, network: nn.Module, classes: Sequence[str], conditions: Mapping[str, ConditionPlan] = {}
) -> dict[str, Tensor]:
    """Return the tensors of a model's network for a network of other conditions, and those of its guide if it has one.

    A class that the model has keeps its embedding. A new one starts as "no class", so that the network at first
    predicts for it what it predicts for any image. A tag that the model has keeps its vector, and a new one starts at
    zero. A kind of condition that the model has not starts at random, and its vector for "nothing asked" at zero; one
    that the network has not is left out, and so is what the model learned of augmentation, which its images show none
    of.

    Args:
        classes, conditions: that the network knows.

    Raises:
        NevoaError: the network is not of the same kind and size.
    """
    network_tensors, names = dict(network.state_dict()), getattr(network, "label_tensors", None)

    def fitting(trained: nn.Module) -> dict[str, Tensor]:
        tensors = dict(trained.state_dict())
        if tuple(classes) != model.classes:
            tensors = _with_classes(tensors, names, model.classes, classes)
        for name, after in conditions.items():
            tensors |= _with_tags(tensors, f"{CONDITIONS}{name}.table", model.plan.conditions.get(name), after)
        return _fitting(tensors, network_tensors)

    guide = {} if model.guide is None else fitting(model.guide)
    return fitting(model.network) | {GUIDE_PREFIX + name: tensor for name, tensor in guide.items()}


def _fitting(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a trained network with the names and shapes of a network that has the tensors `own`."""
    new = {name: tensor for name, tensor in own.items() if name.startswith((*OTHERS, AUGMENTATION))}
    new = {name: torch.zeros_like(tensor) if name.endswith(AT_ZERO) else tensor for name, tensor in new.items()}
    known = {name: tensor for name, tensor in tensors.items() if not name.startswith(AUGMENTATION)}
    kept = {name: tensor for name, tensor in known.items() if name in own or not name.startswith(OTHERS)}
    found, wanted = new | kept, {name: tensor.shape for name, tensor in own.items()}
    if wanted != {name: tensor.shape for name, tensor in found.items()}:
        raise NevoaError("The network is not that of the model to start from: leave out the network's own settings.")
    return {name: tensor.detach().float().cpu() for name, tensor in found.items()}


def _with_tags(
    tensors: Mapping[str, Tensor], table: str, before: ConditionPlan | None, after: ConditionPlan
) -> dict[str, Tensor]:
    """The table of the vectors of other tags; nothing if these are no tags, or the model has none or the same.

    A NevoaError if the network has such a table elsewhere.
    """
    if not isinstance(before, TagsPlan) or not isinstance(after, TagsPlan) or before.tags == after.tags:
        return {}
    if table not in tensors:
        raise NevoaError("Only a model with the same tags can be trained further with this network.")
    return {table: _rows(tensors[table], before.tags, after.tags, torch.zeros_like(tensors[table][0]))}


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
    return tensors | {embedding: torch.cat([_rows(rows, before, after, null), null[None]])}


def _rows(rows: Tensor, before: Sequence[str], after: Sequence[str], new: Tensor) -> Tensor:
    """Return the row of each name in `after`: that which it had before, or `new`."""
    known: Mapping[str, Tensor] = dict(zip(before, rows, strict=False))
    return torch.stack([known.get(name, new) for name in after])
