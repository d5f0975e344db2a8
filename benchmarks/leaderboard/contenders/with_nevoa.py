"""nevoa: preset `quick` on clothes, `photos` on images of a size, for the given minutes.

With a width it trains without classes, as the others do. The clock runs over what `--minutes` covers: choosing the
width, timing the steps, and training.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from common import Clock, Task, Training
from drawing import Sampling, finish
from nevoa_network import nevoa_batch

if TYPE_CHECKING:
    from nevoa import Model
    from nevoa.config import Plan
    from nevoa.training import Step


def settings_of(plan: "Plan") -> str:
    """The plan in words."""
    training, diffusion = plan.training, plan.diffusion
    network = plan.network.model_dump()
    classes = "with" if plan.classes else "without"
    return (
        f"{network['kind']} dim {network['dim']} x {network['multipliers']} {classes} classes, "
        f"{diffusion.schedule} schedule, {diffusion.prediction}, {training.loss}, "
        f"{training.optimizer} {training.learning_rate:g}, batch {training.batch_size}, "
        f"EMA {training.ema_decay:g}, {training.precision}"
    )


def sampling_of(model: "Model") -> Sampling:
    """The model's own sampler, which takes any number of steps."""
    from nevoa.data import to_bytes
    from nevoa.model import IMAGES_AT_ONCE, last

    own, denoiser = model.settings(), model.denoiser()

    @torch.inference_mode()
    def evaluate(count: int) -> object:
        x_t = torch.zeros(count, *model.shape, device=model.device)
        return denoiser(x_t, torch.ones(count, dtype=torch.int64, device=model.device))

    def draw(first: int, count: int, steps: int) -> np.ndarray:
        return to_bytes(last(model.trajectory(count, steps=steps, first=first)).x_t)

    return Sampling(str(own.sampler), own.steps or model.plan.diffusion.timesteps, IMAGES_AT_ONCE, evaluate, draw)


def train(contender: str, steps: "Iterator[Step]", clock: Clock) -> "tuple[Training, Model]":
    """Take steps until they end or the time is up."""
    import nevoa
    from nevoa.config import Plan

    step = next(steps)
    while not clock.is_up and (following := next(steps, None)) is not None:
        step = following
        clock.tell_step(step.images_seen // step.batch_size, step.loss)
    plan = step.model.plan
    assert isinstance(plan, Plan)
    training = Training(
        contender=contender,
        version=nevoa.__version__,
        settings=settings_of(plan),
        parameters=step.model.parameters,
        steps=step.images_seen // step.batch_size,
        images_seen=step.images_seen,
        training_seconds=clock.seconds,
    )
    return training, step.model


def main() -> None:
    import nevoa

    task = Task.parse()
    clock = Clock(task.minutes)
    fixed = (f"network.dim={task.width}", f"training.batch_size={nevoa_batch()}", "training.condition=none")
    options = () if task.width is None else fixed
    preset = "photos" if task.size else "quick"
    config = nevoa.configure(task.source, preset, size=task.size, minutes=task.minutes, options=options)
    training, model = train("nevoa", nevoa.fit(config), clock)
    finish(task, training, sampling_of(model))


if __name__ == "__main__":
    main()
