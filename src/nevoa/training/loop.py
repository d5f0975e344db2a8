"""Algorithm 1 of Ho et al. 2020 as a generator of steps."""

import math
import time
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import replace

from nevoa.data import Batches, ImageSet
from nevoa.errors import NevoaError
from nevoa.parallel.device import computing, keeping_memory, within
from nevoa.training.budget import FIXED, Budget
from nevoa.training.feed import batches_of, on_device
from nevoa.training.gradient import Gradient
from nevoa.training.learning_rate import learning_rate_at
from nevoa.training.levels import add_by_level, by_level
from nevoa.training.state import Mean, TrainingState
from nevoa.training.step import Step
from nevoa.training.update import update

# One batch in a thousand may overflow; so many in a row do not end by themselves.
MOST_NOT_FINITE = 5


def training_steps(state: TrainingState, images: ImageSet, budget: Budget = FIXED) -> Generator[Step, None, None]:
    """Train `state` in place up to its horizon, which the budget may move. Yield each step.

    Threads and random state of the process are set within a step and restored before it is yielded.
    """
    with keeping_memory():
        yield from within(lambda: computing(state.device, state.plan.training.threads), _steps(state, images, budget))


def weighing_guide(steps: Iterable[Step], state: TrainingState, images: ImageSet) -> Generator[Step, None, None]:
    """Pass steps on; before the last, measure the weight of the guide for the model that the training publishes."""
    for step in steps:
        if step.is_last:
            state.weigh_guide(images)
            step = replace(step, model=state.model())
        yield step


def _steps(state: TrainingState, images: ImageSet, budget: Budget) -> Generator[Step, None, None]:
    gradient = Gradient(state)
    with closing(on_device(batches_of(state, images, gradient.share), state.device)) as batches:
        while state.images_seen < state.horizon.images:
            state.horizon = budget.horizon(state)
            start = time.perf_counter()
            # x_0, t and epsilon are drawn; the loss is that of the prediction from x_t
            batch = next(batches)
            losses, mean = gradient.of(batch)
            learning_rate = learning_rate_at(state.images_seen, state.horizon, state.plan.training)
            losses, loss, grad_norm = update(state, losses, mean, learning_rate, gradient.parts)
            if math.isfinite(loss + grad_norm) and state.objective.has_levels:
                add_by_level(state.report_levels, losses, batch.log_snr)
            numbers, seconds = (loss, grad_norm, learning_rate), time.perf_counter() - start
            step = _advance(state, images, numbers, seconds)
            if state.not_finite == MOST_NOT_FINITE:
                raise _not_finite(state, images, step)
            yield step


def _advance(state: TrainingState, images: ImageSet, numbers: tuple[float, float, float], seconds: float) -> Step:
    """Count a batch, and say what is known after it."""
    epoch_images, training, (loss, grad_norm, learning_rate) = len(images), state.plan.training, numbers
    batch_size, before = training.batch_size, state.images_seen
    if before // epoch_images != (before - batch_size) // epoch_images:
        state.epoch_loss = Mean()
    state.work += batch_size * state.objective.cost(state.cooled)
    state.images_seen += batch_size
    state.keep_guide()
    state.autoguidance = None  # which was measured where a shorter training ended
    state.seconds += seconds
    state.spent += seconds
    state.report_seconds += seconds
    if math.isfinite(loss + grad_norm):
        for mean in (state.report_loss, state.epoch_loss, state.recent_loss):
            mean.add(loss)
    step = Step(
        images_seen=state.images_seen,
        images=state.horizon.images,
        batch_size=batch_size,
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
        loss_by_log_snr=by_level(state.report_levels),
        report_images_per_second=state.report_loss.count * batch_size / state.report_seconds,
        model=state.model(),
    )
    if step.is_due(training.report_every_images):
        state.report_loss, state.report_levels, state.report_seconds = Mean(), {}, 0.0
    return step


def _not_finite(state: TrainingState, images: ImageSet, step: Step) -> NevoaError:
    size, plan = step.batch_size, state.plan
    stream = Batches(images, plan.training.seed, balance=plan.data.balance)
    indices = stream.indices(step.images_seen - size, size)
    return NevoaError(
        f"Loss or gradient was not finite in {MOST_NOT_FINITE} steps in a row, up to {step.images_seen:,} images at "
        f"learning rate {step.learning_rate:.3g}. These steps changed nothing, and the checkpoints are intact. Try a "
        f"lower training.learning_rate, or training.gradient_clip=1, in another --out. Images of the last step: "
        f"{', '.join(map(str, indices.tolist()))}."
    )
