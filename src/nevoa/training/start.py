"""Training that starts from the weights of a model instead of random ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nevoa.config.network import OBJECT
from nevoa.errors import NevoaError
from nevoa.model import Model

# Adam at a tenth of the usual rate: what the model knows is to be adapted, not replaced.
FINE_TUNING: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 1e-4,
    "learning_rate_decay": "linear",
    "warmup_images": 2_000,
    "gradient_clip": 1.0,
    "ema_decay": 0.999,
}

# 600 steps of `path` from the packaged model have a distance of 0.57 with l1 and of 0.65 with l2, and 0.57 also at the
# rate of `quick`, which is twice as high; docs/experiments.md compares other losses and rates.
DISTILLING: dict[str, Any] = {
    "objective": "match",
    "loss": "l1",
    "optimizer": "muon",
    "learning_rate": 5e-4,
    "learning_rate_decay": "linear",
    "warmup_images": 2_000,
    "gradient_clip": 1.0,
    "ema_decay": 0.9995,
    "weight_decay": 0.01,
    "cooldown": 0.5,
}
# In two steps, of which the second starts where there is as much noise as signal.
TWO_STEPS: dict[str, Any] = {"sampler": "euler", "steps": 2, "spacing": "angle"}
# A distillation takes a quarter of its teacher's time; its steps take five times as long on average.
SHARE, STEP_COST = 4, 5


def starting_from(model: Model) -> dict[str, dict[str, Any]]:
    """Return the layer of a config that trains a model further: its network, process, sampling and image shape.

    Raises:
        NevoaError: the model has a network, schedule or loss that is an object in place of a name.

    Example:
        >>> config = nevoa.configure("shapes", steps=100, start=starting_from(model))
    """
    config, (channels, height, width) = model.config, model.shape
    if config.network.kind == OBJECT or config.diffusion.schedule.startswith(OBJECT):
        raise NevoaError(
            "The model has a network or a schedule that is an object in place of a name: to train it further in Python,"
            " give network=model.network and schedule=model.schedule."
        )
    own = {"timestep_distribution": config.training.timestep_distribution}
    return {
        "data": {"size": [height, width], "channels": channels},
        "diffusion": config.diffusion.model_dump(),
        "network": config.network.model_dump(),
        "sampling": config.sampling.model_dump(),
        "training": FINE_TUNING | own | {"start": model.place or f"{OBJECT}:model"},
    }


def distilling(model: Model, source: object = None) -> dict[str, dict[str, Any]]:
    """Return the layer of a config that teaches a model's network to make its images in two steps.

    It has the model's images, unless `source` names others, its batch size, and a quarter of its training time.

    Raises:
        NevoaError: the model has an object in place of a name, is distilled already, predicts epsilon, or its images
            are unknown.
    """
    layer, config = starting_from(model), model.config
    data, training = config.data, config.training
    if training.is_distillation:
        raise NevoaError(
            "A distilled model knows only the few timesteps of its own steps, so it cannot teach: distil "
            f"{training.start} again."
        )
    if config.diffusion.prediction == "epsilon":
        raise NevoaError(
            "A model that predicts epsilon cannot be distilled, because at T its output says nothing about x_0: train "
            "one with -o diffusion.prediction=flow."
        )
    if source is None:
        if data.fingerprint is None or data.source.startswith(OBJECT):
            raise NevoaError(
                "The images that this model was trained on are unknown: name the source of some like them."
            )
        layer["data"] = dict(data)  # a dump leaves out a holdout of 0, and the preset's would show through
    budget: dict[str, Any] = {}  # that of the preset, where the model does not tell how long it was trained
    if training.minutes:
        budget = {"minutes": training.minutes / SHARE}
    elif training.steps:
        budget = {"steps": max(1, training.steps // (SHARE * STEP_COST))}
    batches = {"batch_size": training.known_batch_size, "label_dropout": training.label_dropout}
    kept = {key: layer["training"][key] for key in ("timestep_distribution", "start")}
    own = batches | kept | {"conditional": bool(model.classes)}
    return layer | {"sampling": TWO_STEPS, "training": DISTILLING | own | budget}


def start_weights(model: Model, network: nn.Module, classes: Sequence[str]) -> dict[str, Tensor]:
    """Return the tensors of a model's network for a network of other classes.

    A class that the model has keeps its embedding. A new one starts as "no class", so that the network at first
    predicts for it what it predicts for any image.

    Raises:
        NevoaError: the network is not of the same kind and size.
    """
    tensors = dict(model.network.state_dict())
    if tuple(classes) != model.classes:
        tensors = _with_classes(tensors, getattr(network, "label_tensors", None), model.classes, classes)
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
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
