"""Algorithm 1 of Ho et al. 2020 as a generator of steps."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nevoa._util.random import Stream, generator
from nevoa.config import Config
from nevoa.data import Batches, ImageSet
from nevoa.diffusion import Denoiser
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.networks.dropout import masks_from
from nevoa.objects import NAMES, Objects, loss_of, schedule_of
from nevoa.parallel.device import computing, in_precision, keeping_memory, within
from nevoa.training.course import learning_rate_at
from nevoa.training.ema import update_average
from nevoa.training.feed import Batch, batches_of, on_device
from nevoa.training.levels import add_by_level
from nevoa.training.matching import Matching
from nevoa.training.optimizer import trained_parameters
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
        memorises_since: `images_seen` at the lowest loss on images that are not trained on, once that loss has risen;
            None before, without a run, and if no images are set aside.

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
    memorises_since: int | None = None

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
    learners = lru_cache(lambda matches: learner(state, matches))
    with closing(on_device(batches_of(state, images), state.device)) as batches:
        while state.step < state.course.steps:
            if pace is not None:
                _keep_to(pace, state)
            start = time.perf_counter()
            batch, learning_rate = next(batches), learning_rate_at(state.step + 1, state.course, state.config.training)
            losses, loss, grad_norm = train_step(state, learners(state.matches), batch, learning_rate)
            if math.isfinite(loss + grad_norm) and state.teacher is None:  # a path has all levels
                add_by_level(state.report_levels, losses, batch.log_snr)
            seconds = time.perf_counter() - start
            step = _advance(state, len(images), loss, grad_norm, learning_rate, seconds)
            if state.not_finite == MOST_NOT_FINITE:
                raise _not_finite(state, images, step)
            yield step


def _keep_to(pace: Pace, state: TrainingState) -> None:
    """Decide again how many steps there are, if that is due."""
    state.spent = pace.spent
    if state.step >= state.course.next_decision:
        now = state.step, state.work, state.seconds, state.course.steps, state.cost_ahead
        steps = state.processes.from_first(lambda: pace.decide(*now))
        state.follow(state.course.decided(state.step, steps, state.config.training.cooldown))


def learner(state: TrainingState, matches: bool = False) -> Denoiser:
    """The denoiser to train: with its teacher if it has one, and with the second network if it matches."""

    def denoiser_of(network: nn.Module) -> Denoiser:
        return training_denoiser(state.config, network, state.device, state.objects)

    denoiser, sampling = denoiser_of(state.network), state.config.sampling
    if state.teacher is None:
        return denoiser
    given = denoiser, denoiser_of(state.teacher), sampling.steps or 1, sampling.spacing
    return Matching(*given, denoiser_of(state.second)) if state.second is not None and matches else Student(*given)


def train_step(
    state: TrainingState, denoiser: Denoiser, batch: Batch, learning_rate: float
) -> tuple[Float[Tensor, " N"], float, float]:
    """One step of gradient, optimizer and average, with other processes if there are some.

    Args:
        batch: the state's share of it, on its device.

    Returns:
        The loss of each image of the whole batch, their mean, and the norm of the gradient.
    """
    config, share, label = state.config.training, state.share, batch.label
    state.network.train()
    per_image = batch.x_0.new_zeros(config.known_batch_size)

    def loss(part: slice) -> Tensor:
        own = slice(part.start - share.start, part.stop - share.start)
        labels = None if label is None else label[own]
        kind = loss_of(config, state.objects)
        with masks_from(state.dropout_masks(part.start)):
            losses = denoiser.loss(batch.x_0[own], batch.t[own], batch.epsilon[own], kind, config.weighting, labels)
        per_image[part] = losses.detach()
        return state.scaler.scale(losses)

    threads, parameters = config.threads or 1, [each for one in state.trained for each in trained_parameters(one)]
    with _seeded(state):
        summand = backward(loss, len(per_image), parameters, threads, state.slices)
    state.processes.add([*(gradient for each in parameters if (gradient := each.grad) is not None), summand, per_image])
    return on_one_thread(lambda: _update(state, summand, per_image, learning_rate), threads, state.parts)


@contextmanager
def _seeded(state: TrainingState) -> Iterator[None]:
    """Seed torch's generator, from which networks may draw, by the position in the data; restore it afterwards."""
    devices = [torch.cuda.current_device()] if state.device == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        first = state.images_seen + state.share.start
        torch.manual_seed(int(generator(state.config.training.seed, Stream.DROPOUT, first).integers(2**63)))
        yield


def _update(
    state: TrainingState, loss: Float[Tensor, ""], losses: Float[Tensor, " N"], learning_rate: float
) -> tuple[Float[Tensor, " N"], float, float]:
    """Update weights and average if loss and gradient are finite.

    Args:
        loss: scaled as the gradients are.
    """
    config, scaler = state.config.training, state.scaler
    scale = scaler.scale(torch.ones_like(loss))
    for optimizer in state.optimizers:
        scaler.unscale_(optimizer)
    clip = config.gradient_clip or float("inf")
    norms = [nn.utils.clip_grad_norm_(network.parameters(), clip).view(1) for network in state.trained]
    # All numbers at once, because this is where the CPU waits for the device: once in a step.
    told = torch.cat([losses, loss.view(1), scale.view(1), *norms]).cpu()
    losses, (scaled, factor, *each) = told[: len(losses)], told[len(losses) :].tolist()
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
    state.updates += 1
    state.matched += state.matches
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * group["scale"]
        optimizer.step()
    if state.average is not state.network:
        update_average(state.average, state.network, state.updates, state.config.training.ema_decay)


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
    state.spent += seconds
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


def _not_finite(state: TrainingState, images: ImageSet, step: Step) -> NevoaError:
    size = state.config.training.known_batch_size
    indices = Batches(images, state.config.training.seed, flip=False).indices(step.images_seen - size, size)
    return NevoaError(
        f"Loss or gradient was not finite in {MOST_NOT_FINITE} steps in a row, up to step {step.step:,} at learning "
        f"rate {step.learning_rate:.3g}. These steps changed nothing, and the checkpoints are intact. Try a lower "
        f"training.learning_rate, or training.gradient_clip=1, in another --out. Images of the last step: "
        f"{', '.join(map(str, indices.tolist()))}."
    )
