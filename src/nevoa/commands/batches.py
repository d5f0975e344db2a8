"""Make images in batches, and show how far it is."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nevoa._util.arguments import counted

if TYPE_CHECKING:
    import numpy as np

    from nevoa.formats.diffusers.text_to_image import TextToImage
    from nevoa.model import Model


def sampling_steps(model: "Model | TextToImage", options: Mapping[str, Any]) -> tuple[int, str]:
    """Return how many steps a model takes with sampling options, and the sampler and the steps in words."""
    settings: Any = model.settings(**options)
    steps = len(model.timesteps(settings)) - 1
    return steps, f"{settings.sampler}, {counted(steps, 'step')}"


def sampled(
    model: "Model | TextToImage", count: int, moments: int, steps: int, settings: dict[str, Any]
) -> "Iterator[list[np.ndarray]]":
    """Yield batches of images as they are made, each in so many steps.

    Yields:
        `moments` arrays uint8 `[B, H, W, C]`, evenly spaced from noise to image; the last one is the images.
    """
    from nevoa._util.console import progress_bar
    from nevoa.data import to_bytes
    from nevoa.parallel.group import process_group

    wanted = {round(steps * (1 - i / max(1, moments - 1))) for i in range(moments)}
    group = process_group()
    rounds = list(group.rounds(count, model.images_at_once))
    with progress_bar() as progress:
        task = progress.add_task("steps", total=steps * sum(map(bool, rounds)))
        for numbers in rounds:
            kept = []
            states = model.trajectory(len(numbers), first=numbers.start, **settings) if numbers else ()
            for index, state in enumerate(states):
                if index in wanted:
                    kept.append(to_bytes(state.x_t))
                if index < steps:
                    progress.advance(task)
            yield from filter(None, group.gather(kept))
