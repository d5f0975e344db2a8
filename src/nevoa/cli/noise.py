"""`nevoa noise`: show the forward process."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts.types import NonNegativeInt

from nevoa.cli.options import SIZE, size_of
from nevoa.errors import NevoaError
from nevoa.vocabulary import ScheduleName

if TYPE_CHECKING:
    import numpy as np

    from nevoa.data import Size

SIDE = 128
TIMESTEPS = "0,20,60,80,100,150,250,350,500,1000"


def noise(
    image: str,
    /,
    *,
    schedule: ScheduleName = "linear",
    at: str = TIMESTEPS,
    size: Annotated[str | None, SIZE] = None,
    seed: NonNegativeInt = 0,
    out: Path = Path("noise.png"),
) -> None:
    """Draw an image with more and more noise: q(x_t | x_0) at several timesteps.

    Args:
        image: A picture file, or SOURCE:INDEX, such as shapes:7.
        schedule: Noise schedule.
        at: Timesteps from 0 to 1000, separated by commas.
        size: Resize and crop to this size, keeping proportions. [default: 128; for SOURCE:INDEX its own]
        seed: Seed of the noise.
        out: The .png to write.
    """
    import numpy as np
    import torch

    from nevoa._util.files import published
    from nevoa._util.random import Stream, generator
    from nevoa.data import sides_of, to_bytes, to_unit
    from nevoa.diffusion import SCHEDULES, GaussianProcess, steps_of
    from nevoa.pictures import titled_grid
    from nevoa.presets import configure

    if out.suffix != ".png":
        raise NevoaError(f"--out is a picture: choose a name that ends in .png, not {out.name}.")
    process = GaussianProcess(SCHEDULES[schedule]())
    sides = sides_of(configure(size=size_of(size)).data)
    timesteps = _timesteps(at, steps_of(process.schedule))
    x_0 = to_unit(_pixels(image, sides)[None]).repeat(len(timesteps), 1, 1, 1)
    # The same noise in every tile, so that only the schedule differs between them.
    draw = generator(seed, Stream.PICTURE).standard_normal(x_0.shape[1:], dtype=np.float32)
    x_t = process.forward(x_0, torch.tensor(timesteps), torch.from_numpy(draw).expand_as(x_0))
    with published(out) as temporary:
        titled_grid(to_bytes(x_t), [f"t = {t}" for t in timesteps], len(timesteps), SIDE).save(temporary)
    print(f"{len(timesteps)} timesteps, {schedule} schedule: {out}")


def _timesteps(at: str, steps: int) -> list[int]:
    try:
        timesteps = [int(part) for part in at.split(",")]
    except ValueError as error:
        raise NevoaError(f"--at is a list of whole numbers such as 0,100,1000, not '{at}'.") from error
    for t in timesteps:
        if not 0 <= t <= steps:
            raise NevoaError(f"--at {t}: timesteps are 0 to {steps}.")
    return timesteps


def _pixels(image: str, size: "Size | None") -> "np.ndarray":
    from nevoa.data import fitted, image_at, picture_of, pixels_of, read_image

    path = Path(image)
    pixels = None if path.exists() else image_at(image)
    if pixels is None:
        if not path.is_file():
            raise NevoaError(f"There is no picture {image}. Name an image of a SOURCE by its index, such as shapes:7.")
        return pixels_of(fitted(read_image(path), size or (SIDE, SIDE)))
    return pixels_of(fitted(picture_of(pixels), size)) if size else pixels
