"""Make images in batches, and show how far it is."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from nevoa.formats.diffusers.text_to_image import TextToImage
    from nevoa.model import Model

# The time of a job that takes longer than this is announced.
LONG_SECONDS = 10.0


def sampled(
    model: "Model | TextToImage", count: int, moments: int, steps: int, settings: dict[str, Any]
) -> "Iterator[list[np.ndarray]]":
    """Yield batches of images as they are made, each in so many steps.

    Yields:
        `moments` arrays uint8 `[B, H, W, C]`, evenly spaced from noise to image; the last one is the images.
    """
    from nevoa._util.console import progress_bar
    from nevoa.data import to_bytes
    from nevoa.parallel.group import joined

    done, timed_from = 0, 0.0
    wanted = {round(steps * (1 - i / max(1, moments - 1))) for i in range(moments)}
    processes = joined()
    rounds = list(processes.rounds(count, model.images_at_once))
    total = steps * sum(map(bool, rounds))
    with progress_bar() as progress:
        task = progress.add_task("steps", total=total)
        for numbers in rounds:
            kept = []
            states = model.trajectory(len(numbers), first=numbers.start, **settings) if numbers else ()
            for index, state in enumerate(states):
                if index in wanted:
                    kept.append(to_bytes(state.x_t))
                if index == steps:  # the images
                    continue
                done += 1
                progress.advance(task)
                if done == 1:  # this step also paid for memory and compiled kernels
                    timed_from = time.perf_counter()
                elif done == 2:
                    _announce(count, (time.perf_counter() - timed_from) * total)
            yield from filter(None, processes.gathered(kept))


def _announce(count: int, seconds: float) -> None:
    """Say how long a long job takes."""
    from nevoa._util.console import console, duration

    if seconds > LONG_SECONDS:
        console(stderr=True).print(f"{count:,} images take about {duration(seconds)}. Press Ctrl-C to stop.")
