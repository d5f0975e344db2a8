"""Update the weights by their gradients, and average them."""

import math
from collections import Counter

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nevoa.training.ema import update_average
from nevoa.training.objective import MODEL
from nevoa.training.state import TrainingState
from nevoa.training.threads import on_one_thread


def update(
    state: TrainingState, losses: Float[Tensor, " N"], loss: Float[Tensor, ""], learning_rate: float, parts: int
) -> tuple[Float[Tensor, " N"], float, float]:
    """Update weights and average if loss and gradient are finite.

    Args:
        losses: of each image.
        loss: their mean, scaled as the gradients are.
        parts: number of threads that computed the gradient; one of them updates.

    Returns:
        The losses on the CPU, their mean, and the norm of the gradient.
    """
    return on_one_thread(lambda: _update(state, losses, loss, learning_rate), state.plan.training.threads, parts)


def _update(
    state: TrainingState, losses: Float[Tensor, " N"], loss: Float[Tensor, ""], learning_rate: float
) -> tuple[Float[Tensor, " N"], float, float]:
    scaler, clip = state.scaler, state.plan.training.gradient_clip or float("inf")
    scale = scaler.scale(torch.ones_like(loss))
    for optimizer in state.optimizers:
        scaler.unscale_(optimizer)
    networks = [state.networks[name] for name in state.trained]
    norms = [nn.utils.clip_grad_norm_(network.parameters(), clip).view(1) for network in networks]
    # All numbers at once, because this is where the CPU waits for the device: once in a step.
    numbers = torch.cat([losses, loss.view(1), scale.view(1), *norms]).cpu()
    losses, (scaled, factor, *each) = numbers[: len(losses)], numbers[len(losses) :].tolist()
    mean, norm = scaled / factor, math.hypot(*each)
    # One NaN would stay in weights, moments and average for ever. float16 overflows now and then: the scaler scales
    # the next steps less.
    finite = math.isfinite(mean) and math.isfinite(norm)
    overflowed = math.isfinite(mean) and scaler.is_enabled() and factor > 1
    state.not_finite = 0 if finite or overflowed else state.not_finite + 1
    if finite:
        _apply_gradients(state, learning_rate)
    scaler.update()
    return losses, mean, norm


def _apply_gradients(state: TrainingState, learning_rate: float) -> None:
    state.updates = dict(Counter(state.updates) + Counter(state.trained))
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * group["scale"]
        optimizer.step()
    if state.average is not state.network:
        update_average(state.average, state.network, state.updates[MODEL], state.plan.training.ema_decay)
