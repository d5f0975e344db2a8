"""Algorithm 1 of Ho et al. 2020 as a generator of steps."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from nevoa._util.device import computing, in_precision, keeping_memory, within
from nevoa._util.random import Stream, generator
from nevoa.config import Config
from nevoa.data import Batches, ImageSet
from nevoa.diffusion import Denoiser, log_snr_of
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.objects import NAMES, Objects, loss_of, schedule_of
from nevoa.training.course import learning_rate_at
from nevoa.training.ema import update_average
from nevoa.training.levels import add_by_level
from nevoa.training.noise import TrainingNoise
from nevoa.training.pace import Pace
from nevoa.training.state import Mean, TrainingState
from nevoa.training.student import Student
from nevoa.training.threaded_gradient import backward, on_one_thread

# One batch in a thousand may overflow; so many in a row do not end by themselves.
MOST_NOT_FINITE = 5


@dataclass(frozen=True)
class Step:
    """A completed training step.

    Attributes:
        step: number of the step, from 1.
        steps: of the whole training; a budget of minutes changes it on the way.
        images_seen: at its end.
        loss: mean over the batch.
        grad_norm: norm of the whole gradient before clipping.
        epoch: of the step's first image, from 1.
        epoch_ended: whether the step completed an epoch.
        epoch_loss: mean over the epoch's steps so far.
        recent_loss: exponential mean over about the last 50 steps.
        report_loss: mean since the last report in the run's metrics; without a run, since the start.
        is_finite: whether loss and gradient were finite; if not, the step changed nothing and counts in no mean.
        seconds: of training since its start, without pauses.
        model: the averaged model. It changes as training continues.

    Example:
        >>> first, *_ = nevoa.fit(config)
        >>> first.step, first.images_seen
        (1, 8)
    """

    step: int
    steps: int
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
    report_loss: float
    is_finite: bool
    model: Model

    def _repr_html_(self) -> str:
        """The step in a notebook: one line."""
        from nevoa.pictures import html_line

        numbers = {"step": f"{self.step:,}", "images seen": f"{self.images_seen:,}", "loss": f"{self.loss:.4f}"}
        return html_line({**numbers, "images/s": f"{self.images_per_second:,.0f}"})


def training_steps(state: TrainingState, images: ImageSet, pace: Pace | None = None) -> Generator[Step, None, None]:
    """Train `state` in place up to `config.training.steps`, yielding each step.

    With a pace the number of steps changes on the way, so that they fit into the minutes.

    Threads and random state of the process are set within a step and restored before it is yielded.
    """
    config = state.config.training
    if not state.course.steps:
        raise NevoaError(
            "The number of steps is not known yet: use nevoa.training.resolve(config).config in place of config."
        )
    with keeping_memory():
        yield from within(lambda: computing(state.device, config.threads), _steps(state, images, pace))


def _steps(state: TrainingState, images: ImageSet, pace: Pace | None) -> Generator[Step, None, None]:
    config = state.config.training
    batches = Batches(images, config.seed, bool(state.config.data.flip))
    draws = TrainingNoise(config.seed, state.config.diffusion.timesteps, state.shape, config.label_dropout)
    denoiser = learner(state)
    log_snr = log_snr_of(denoiser.process.schedule)
    while state.step < state.course.steps:
        if pace is not None:
            _keep_to(pace, state)
        start = time.perf_counter()
        batch, share = range(state.images_seen, state.images_seen + config.known_batch_size), state.share
        first, count = batch[share][0], len(batch[share])
        x_0, (t, epsilon) = batches.batch(first, count), draws.take(first, count)
        label = dropped_labels(batches, draws, first, count) if config.conditional else None
        learning_rate = learning_rate_at(state.step + 1, state.course, config)
        losses, loss, grad_norm = train_step(state, denoiser, x_0, t, epsilon, learning_rate, label)
        if math.isfinite(loss + grad_norm) and state.teacher is None:  # a path has all levels
            add_by_level(state.report_levels, losses, log_snr[draws.timesteps(batch.start, len(batch))])
        seconds = time.perf_counter() - start
        step = _advance(state, len(images), loss, grad_norm, learning_rate, seconds)
        if state.not_finite == MOST_NOT_FINITE:
            raise _not_finite(step, batches.indices(batch.start, len(batch)))
        yield step


def _keep_to(pace: Pace, state: TrainingState) -> None:
    """Decide again how many steps there are, if that is due."""
    state.spent = pace.spent
    if state.step >= state.course.next_decision:
        steps = state.processes.from_first(lambda: pace.decide(state.step, state.seconds, state.course.steps))
        state.follow(state.course.decided(state.step, steps, state.config.training.cooldown))


def learner(state: TrainingState) -> Denoiser:
    """The denoiser to train, with its teacher if it has one."""
    denoiser = training_denoiser(state.config, state.network, state.device, state.objects)
    if state.teacher is None:
        return denoiser
    teacher = training_denoiser(state.config, state.teacher, state.device, state.objects)
    sampling = state.config.sampling
    return Student(denoiser, teacher, sampling.steps or 1, sampling.spacing)


def dropped_labels(batches: Batches, draws: TrainingNoise, first: int, count: int) -> Int64[Tensor, " B"]:
    """Labels of those images, some replaced by the null label (Ho and Salimans 2022, algorithm 1)."""
    return batches.labels(first, count).masked_fill(draws.dropped(first, count), len(batches.images.classes))


def train_step(
    state: TrainingState,
    denoiser: Denoiser,
    x_0: Tensor,
    t: Tensor,
    epsilon: Tensor,
    learning_rate: float,
    label: Tensor | None = None,
) -> tuple[Float[Tensor, " B"], float, float]:
    """One step of gradient, optimizer and average, with other processes if there are some.

    Args:
        x_0, t, epsilon, label: of the state's share of the batch.

    Returns:
        The loss of each image of the batch, their mean, and the norm of the gradient.
    """
    config, share = state.config.training, state.share
    x_0, epsilon = (x.to(state.device, memory_format=torch.channels_last) for x in (x_0, epsilon))
    state.network.train()
    t, label = t.to(state.device), None if label is None else label.to(state.device)
    per_image = x_0.new_zeros(config.known_batch_size)

    def loss(part: slice) -> Tensor:
        own = slice(part.start - share.start, part.stop - share.start)
        labels = None if label is None else label[own]
        kind = loss_of(config, state.objects)
        losses = denoiser.loss(x_0[own], t[own], epsilon[own], kind, config.weighting, labels)
        per_image[part] = losses.detach()
        return state.scaler.scale(losses)

    threads, scale = config.threads or 1, state.scaler.get_scale()
    parameters = list(state.network.parameters())
    with _seeded_dropout(state):
        summand = backward(loss, len(per_image), parameters, threads, state.slices)
    state.processes.add([*(gradient for each in parameters if (gradient := each.grad) is not None), summand, per_image])
    mean = summand.item() / scale
    grad_norm = on_one_thread(lambda: _update(state, mean, learning_rate), threads, state.parts).item()
    overflowed = math.isfinite(mean) and state.scaler.is_enabled() and scale > 1
    state.not_finite = 0 if math.isfinite(mean + grad_norm) or overflowed else state.not_finite + 1
    return per_image.cpu(), mean, grad_norm


@contextmanager
def _seeded_dropout(state: TrainingState) -> Iterator[None]:
    """Seed torch's generator, which dropout draws from, by the position in the data; restore it afterwards."""
    devices = [torch.cuda.current_device()] if state.device == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        first = state.images_seen + state.share.start
        torch.manual_seed(int(generator(state.config.training.seed, Stream.DROPOUT, first).integers(2**63)))
        yield


def _update(state: TrainingState, loss: float, learning_rate: float) -> Tensor:
    """Update weights and average if loss and gradient are finite. Returns the norm of the gradient."""
    config, scaler = state.config.training, state.scaler
    for optimizer in state.optimizers:
        scaler.unscale_(optimizer)
    grad_norm = nn.utils.clip_grad_norm_(state.network.parameters(), config.gradient_clip or float("inf"))
    # One NaN would stay in weights, moments and average for ever. float16 overflows now and then: the scaler scales
    # the next steps less.
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


def training_denoiser(config: Config, network: nn.Module, device: str, objects: Objects = NAMES) -> Denoiser:
    """The denoiser to train: the network in the config's precision."""
    # Compiling the call and not the module keeps the names of the weights.
    call: Callable[[Tensor, Tensor], Tensor] = torch.compile(network) if config.training.compile else network
    network_call = in_precision(call, device, config.training.known_precision)
    return Denoiser(network_call, schedule_of(config.diffusion, objects), config.diffusion.prediction)


def _advance(
    state: TrainingState, epoch_images: int, loss: float, grad_norm: float, learning_rate: float, seconds: float
) -> Step:
    batch_size = state.config.training.known_batch_size
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
        steps=state.course.steps,
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
        report_loss=state.report_loss.value,
        is_finite=is_finite,
        model=state.model(),
    )


def _not_finite(step: Step, indices: Int64[np.ndarray, " B"]) -> NevoaError:
    return NevoaError(
        f"Loss or gradient was not finite in {MOST_NOT_FINITE} steps in a row, up to step {step.step:,} at learning "
        f"rate {step.learning_rate:.3g}. These steps changed nothing, and the checkpoints are intact. Try a lower "
        f"training.learning_rate, or training.gradient_clip=1, in another --out. Images of the last step: "
        f"{', '.join(map(str, indices.tolist()))}."
    )
