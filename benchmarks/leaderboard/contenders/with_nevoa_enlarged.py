"""nevoa in two stages, each for half the minutes: `photos` at half the side, and a model that enlarges its images.

The small model draws in its own number of steps; the table counts those of the model that enlarges.
"""

from dataclasses import replace

import numpy as np
from common import Clock, Task
from drawing import Sampling, finish
from with_nevoa import train


def main() -> None:
    import nevoa
    from nevoa.model import IMAGES_AT_ONCE

    task = Task.parse()
    assert task.size
    half, minutes = task.size // 2, task.minutes / 2
    small_config = nevoa.configure(task.source, "photos", size=half, minutes=minutes)
    first, small = train("nevoa, in two stages", nevoa.fit(small_config), Clock(minutes))
    large_config = nevoa.configure(task.source, "photos", size=task.size, condition="downscaled:2", minutes=minutes)
    second, upscaler = train(first.contender, nevoa.fit(large_config), Clock(minutes))
    training = replace(
        first,
        settings=f"{half}x{half}: {first.settings}; enlarged by {second.settings}",
        parameters=first.parameters + second.parameters,
        steps=first.steps + second.steps,
        images_seen=first.images_seen + second.images_seen,
        training_seconds=first.training_seconds + second.training_seconds,
    )

    def draw(start: int, count: int, steps: int) -> np.ndarray:
        return upscaler.sample(count, start, steps=steps, picture=small.sample(count, start))

    def evaluate(count: int) -> object:
        return upscaler.sample(count, steps=1, picture=np.zeros((count, half, half, 3), np.uint8))

    own = upscaler.settings()
    recommended = own.steps or upscaler.plan.diffusion.timesteps
    finish(task, training, Sampling(str(own.sampler), recommended, IMAGES_AT_ONCE, evaluate, draw))


if __name__ == "__main__":
    main()
