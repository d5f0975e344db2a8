"""Algorithm 1 of Ho et al. 2020 as a generator of steps."""

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor, nn

from nevoa._util.device import in_precision
from nevoa._util.random import Stream, generator
from nevoa.config import Config
from nevoa.data import Batches, ImageSet
from nevoa.diffusion import Denoiser
from nevoa.errors import NevoaError
from nevoa.model import Model, schedule_of
from nevoa.training.ema import update_average
from nevoa.training.noise import TrainingNoise
from nevoa.training.state import Mean, TrainingState, learning_rate_at
from nevoa.training.threaded_gradient import aside, backward

# A batch in a thousand may overflow; as many in a row will not end by themselves.
MOST_NOT_FINITE = 5


@dataclass(frozen=True)
class Step:
    """One step of training, done.

    Attributes:
        step: 1 for the first.
        images_seen: by the end of it.
        loss: mean over the batch.
        grad_norm: of all gradients, before clipping.
        epoch: that the step's first image belongs to, 1 for the first.
        epoch_ended: whether the step came to its end.
        epoch_loss: mean over the steps of the epoch so far.
        recent_loss: exponential mean over about the last 50 steps.
        is_finite: whether loss and gradient were; else the step changed nothing, and counts in no mean.
        seconds: of training since its start, pauses not counted.
        model: the averaged model as it now is; it goes on changing.
    """

    step: int
    images_seen: int
    loss: float
    grad_norm: float
    learning_rate: float
    images_per_second: float
    seconds: float
    epoch: int
    epoch_ended: bool
    epoch_loss: float
    recent_loss: float
    is_finite: bool
    model: Model


def training_steps(state: TrainingState, images: ImageSet) -> Generator[Step, None, None]:
    """Train `state` in place, from where it is to `config.training.steps`, yielding after each step."""
    config = state.config.training
    if config.steps is None:
        raise NevoaError("The number of steps is not resolved: call nevoa.training.resolve(config) first.")
    total_images = config.steps * config.batch_size
    batches = Batches(images, config.seed, bool(state.config.data.flip))
    draws = TrainingNoise(config.seed, state.config.diffusion.timesteps, state.shape, config.label_dropout)
    denoiser = training_denoiser(state.config, state.network, state.device)
    while state.step < config.steps:
        start = time.perf_counter()
        first = state.images_seen
        x_0, (t, epsilon) = batches.batch(first, config.batch_size), draws.take(first, config.batch_size)
        label = labels_told(batches, draws, first, config.batch_size) if config.conditional else None
        learning_rate = learning_rate_at(first + config.batch_size, total_images, config)
        loss, grad_norm = train_step(state, denoiser, x_0, t, epsilon, learning_rate, label)
        seconds = time.perf_counter() - start
        step = _advance(state, len(images), loss, grad_norm, learning_rate, seconds)
        if state.not_finite == MOST_NOT_FINITE:
            raise _not_finite(step, batches.indices(first, config.batch_size))
        yield step


def labels_told(batches: Batches, draws: TrainingNoise, first: int, count: int) -> Int64[Tensor, " B"]:
    """What a conditional network is told of those images: their class or, where that is withheld, the null label."""
    return batches.labels(first, count).masked_fill(draws.dropped(first, count), len(batches.images.classes))


def train_step(
    state: TrainingState,
    denoiser: Denoiser,
    x_0: Tensor,
    t: Tensor,
    epsilon: Tensor,
    learning_rate: float,
    label: Tensor | None = None,
) -> tuple[float, float]:
    """Gradient, optimizer, average: once. Returns the loss and the norm of the gradient."""
    config = state.config.training
    x_0, epsilon = (x.to(state.device, memory_format=torch.channels_last) for x in (x_0, epsilon))
    state.network.train()
    # Dropout draws from torch's generator: seeded by position, it too does not depend on what came before.
    torch.manual_seed(int(generator(config.seed, Stream.DROPOUT, state.images_seen).integers(2**63)))
    t, label = t.to(state.device), None if label is None else label.to(state.device)

    def loss(part: slice) -> Tensor:
        told = None if label is None else label[part]
        losses = denoiser.loss(x_0[part], t[part], epsilon[part], config.loss, config.weighting, told)
        return state.scaler.scale(losses)

    threads, scale = config.threads or 1, state.scaler.get_scale()
    parameters = list(state.network.parameters())
    mean = backward(loss, len(x_0), parameters, threads, state.lanes, config.accumulation).item() / scale
    grad_norm = aside(lambda: _update(state, mean, learning_rate), threads, state.lanes).item()
    overflowed = math.isfinite(mean) and state.scaler.is_enabled() and scale > 1
    state.not_finite = 0 if math.isfinite(mean + grad_norm) or overflowed else state.not_finite + 1
    return mean, grad_norm


def _update(state: TrainingState, loss: float, learning_rate: float) -> Tensor:
    """Optimizer and average, if loss and gradient are finite. Returns the norm of the gradient."""
    config, scaler = state.config.training, state.scaler
    for optimizer in state.optimizers:
        scaler.unscale_(optimizer)
    grad_norm = nn.utils.clip_grad_norm_(state.network.parameters(), config.gradient_clip or float("inf"))
    # One NaN would stay in weights, moments and average for ever. float16 overflows now and then: the scaler has the
    # next steps scaled less.
    if math.isfinite(loss) and grad_norm.isfinite():
        state.updates += 1
        for optimizer in state.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * group["scale"]
            optimizer.step()
        if state.average is not state.network:
            update_average(state.average, state.network, state.updates, config.ema_decay)
    scaler.update()
    return grad_norm


def training_denoiser(config: Config, network: nn.Module, device: str) -> Denoiser:
    """The denoiser whose loss is trained on: the network in the config's precision."""
    # Only what is called is compiled: weights keep their names.
    call: Callable[[Tensor, Tensor], Tensor] = torch.compile(network) if config.training.compile else network
    network_call = in_precision(call, device, config.training.known_precision)
    return Denoiser(network_call, schedule_of(config.diffusion), config.diffusion.prediction)


def _advance(
    state: TrainingState, epoch_images: int, loss: float, grad_norm: float, learning_rate: float, seconds: float
) -> Step:
    batch_size = state.config.training.batch_size
    if state.images_seen // epoch_images != (state.images_seen - batch_size) // epoch_images:
        state.epoch_loss = Mean()
    before = state.images_seen
    state.step += 1
    state.images_seen += batch_size
    state.seconds += seconds
    state.report_seconds += seconds
    is_finite = math.isfinite(loss + grad_norm)
    if is_finite:
        for mean in (state.report_loss, state.epoch_loss, state.recent_loss):
            mean.add(loss)
    return Step(
        step=state.step,
        images_seen=state.images_seen,
        loss=loss,
        grad_norm=grad_norm,
        learning_rate=learning_rate,
        images_per_second=batch_size / seconds,
        seconds=state.seconds,
        epoch=before // epoch_images + 1,
        epoch_ended=before // epoch_images != state.images_seen // epoch_images,
        epoch_loss=state.epoch_loss.value,
        recent_loss=state.recent_loss.value,
        is_finite=is_finite,
        model=state.model(),
    )


def _not_finite(step: Step, indices: Int64[np.ndarray, " B"]) -> NevoaError:
    return NevoaError(
        f"Loss or gradient was not finite in {MOST_NOT_FINITE} steps in a row, up to step {step.step:,} at learning "
        f"rate {step.learning_rate:.3g}. They changed nothing, and the checkpoints stay as they were. Try a lower "
        f"training.learning_rate, or training.gradient_clip=1, in another --out. Images of the last step: "
        f"{', '.join(map(str, indices.tolist()))}."
    )
