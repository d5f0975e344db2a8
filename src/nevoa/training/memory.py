"""The memory that a training needs, estimated before any of it is taken."""

from math import lcm

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from nevoa._util.memory import available_bytes
from nevoa.config import ModelPlan, Plan
from nevoa.config.plan import TrainingPlan
from nevoa.errors import MemoryShortage
from nevoa.model import Shape
from nevoa.networks import empty_network, evaluating, null_condition
from nevoa.networks.adapters import adapter_weights
from nevoa.objects import NAMES, Objects
from nevoa.parallel.environment import world_size
from nevoa.training.objective import keeps_best, objective_of

# A network is tried on images up to this side; of larger ones it saves in proportion to their pixels.
TRIED_SIDE = 64


def count_parameters(plan: ModelPlan, channels: int, objects: Objects = NAMES) -> int:
    """Return the number of the network's parameters, counted without allocating them.

    Args:
        channels: of the images.
    """
    return sum(parameter.numel() for parameter in _network(plan, channels, objects).parameters())


def count_trained(plan: Plan, channels: int, objects: Objects = NAMES) -> int:
    """Return the number of the parameters that are trained: those of the network, or of its adapters."""
    rank = plan.training.lora
    if rank is None:
        return count_parameters(plan, channels, objects)
    return adapter_weights(_network(plan, channels, objects), rank)


def _network(plan: ModelPlan, channels: int, objects: Objects) -> nn.Module:
    """The network, without memory for its weights unless it is an object."""
    return objects.network or empty_network(plan.network, channels, len(plan.classes), plan.learned)


def check_weights(parameters: int, plan: Plan) -> None:
    """Raise a MemoryShortage if weights, gradients, moments, averages and the networks beside do not fit."""
    averages = bool(plan.training.ema_decay) + bool(plan.training.guide) + keeps_best(plan)
    trained = 1 if plan.training.lora else 3  # adapters hardly count; muon keeps one moment, adam two
    copies = trained + averages + objective_of(plan).sets_beside
    free = available_bytes(plan.training.device)
    _check(4 * parameters * copies, free, f"A network of {parameters:,} parameters", "lower network.dim")


def check_activations(network: nn.Module, shape: Shape, plan: Plan) -> None:
    """Raise a MemoryShortage if what the network saves of a batch for its gradient does not fit into memory."""
    training, free = plan.training, available_bytes(plan.training.device)
    images = -(-training.batch_size // (training.accumulation * world_size()))
    # bf16 halves what is saved; what stays in float32 is left out: the estimate is the least that can be needed.
    scale = 1.0 if training.precision == "float32" else 0.5
    each = scale * saved_bytes(network, shape, plan)
    height, width = shape[1:]
    what = f"Training on {images} images of {height}x{width} at once"
    step = lcm(*(picture.factor for picture in plan.pictures.values()))
    _check(int(images * each), free, what, _advice(training, free / max(each, 1), min(height, width), step))


def _advice(training: TrainingPlan, fit: float, side: int, step: int) -> str:
    """Return how to train where `fit` images of this side, a multiple of `step`, fit into memory at once."""
    if fit < 1:
        smaller = max(1, int(side * fit**0.5) // step) * step
        return f"not even one image fits. Lower network.dim, or take smaller images with --size {smaller}"
    at_once = int(fit) * world_size()
    return (
        f"add -o training.batch_size={at_once * training.accumulation} for smaller batches, or "
        f"-o training.accumulation={-(-training.batch_size // at_once)} to compute each batch in parts"
    )


def saved_bytes(network: nn.Module, shape: Shape, plan: ModelPlan | None = None) -> int:
    """Bytes that autograd saves of one image `[C, H, W]` in float32, the weights left out; plan says its conditions."""
    channels, height, width = shape
    tried = min(height, TRIED_SIDE), min(width, TRIED_SIDE)
    try:
        return _saved_of_one(network, (channels, *tried), plan) * (height * width) // (tried[0] * tried[1])
    except Exception:  # a network for images of one size
        return _saved_of_one(network, shape, plan)


def _saved_of_one(network: nn.Module, shape: Shape, plan: ModelPlan | None) -> int:
    """The bytes that a second image adds: what a layer makes of its weights is saved once for all images."""
    return _saved(network, shape, plan, 2) - _saved(network, shape, plan, 1)


@torch.enable_grad()
def _saved(network: nn.Module, shape: Shape, plan: ModelPlan | None, count: int) -> int:
    device = next(network.parameters(), torch.empty(0)).device
    weights = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    x, t = torch.zeros(count, *shape, device=device), torch.ones(count, dtype=torch.int64, device=device)
    condition = null_condition(len(plan.classes), plan.conditions, count, device) if plan else None
    with evaluating(network), saved_tensors_hooks(note, lambda tensor: tensor):
        output = (
            network(x, t) if condition is None else network(x, t, condition)
        )  # keeps its graph, and so all that was saved, alive
    total = sum(size for place, size in saved.items() if place not in weights)
    del output
    return total


def _check(needed: int, free: int, what: str, advice: str) -> None:
    if needed > free:
        raise MemoryShortage(
            f"{what} needs at least {needed / 1e9:,.1f} GB of memory, but {free / 1e9:,.1f} GB are available: {advice}."
        )
