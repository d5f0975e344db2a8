"""`nevoa noise`: show the forward process."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts.types import NonNegativeInt

from nevoa.cli.options import Force, Out, Size
from nevoa.errors import NevoaError
from nevoa.vocabulary import ScheduleName

if TYPE_CHECKING:
    import numpy as np

SIDE = 128


def noise(
    image: str,
    /,
    *,
    schedule: ScheduleName = "linear",
    at: str = "0,20,60,80,100,150,250,350,500,1000",
    size: Size = None,
    seed: NonNegativeInt = 0,
    out: Out = None,
    force: Force = False,
) -> None:
    """Draw an image with more and more noise: samples of q(x_t | x_0) at several timesteps.

    Args:
        image: A picture file, or SOURCE:INDEX, such as shapes:7.
        schedule: Noise schedule.
        at: Timesteps from 0 (the image) to the last one of the schedule, separated by commas.
        size: Resize and crop to this size, keeping proportions. [default: 128 for a file, else the image's own]
        seed: Seed of the noise.
        out: The .png to write. [default: noise.png, then noise-2.png and so on]
    """
    import numpy as np
    import torch

    from nevoa._util.claim import claimed, numbered
    from nevoa._util.random import Stream, generator
    from nevoa.cli.output import check_is_png
    from nevoa.data import to_bytes, to_unit
    from nevoa.diffusion import SCHEDULES, GaussianProcess, steps_of
    from nevoa.pictures import enlargement, png_bytes, titled_grid

    check_is_png(out)
    process = GaussianProcess(SCHEDULES[schedule]())
    timesteps = _timesteps(at, steps_of(process.schedule))
    x_0 = to_unit(_pixels(image, size)[None]).repeat(len(timesteps), 1, 1, 1)
    # The same noise in every tile, so that only its share differs.
    epsilon = generator(seed, Stream.PICTURE).standard_normal(x_0.shape[1:], dtype=np.float32)
    x_t = process.forward(x_0, torch.tensor(timesteps), torch.from_numpy(epsilon).expand_as(x_0))
    tiles = to_bytes(x_t)
    strip = titled_grid(tiles, [f"t = {t}" for t in timesteps], len(timesteps), enlargement(tiles, SIDE))
    with claimed([out] if out else numbered("noise.png"), force) as claim:
        claim.temporary.write_bytes(png_bytes(strip))
    print(f"{len(timesteps)} timesteps, {schedule} schedule: {claim.path}")


def _timesteps(at: str, steps: int) -> list[int]:
    try:
        timesteps = [int(part) for part in at.split(",")]
    except ValueError as error:
        raise NevoaError(f"--at is a list of whole numbers such as 0,100,1000, not '{at}'.") from error
    for t in timesteps:
        if not 0 <= t <= steps:
            raise NevoaError(f"--at {t} is not a timestep: timesteps are 0 to {steps}.")
    return timesteps


def _pixels(image: str, size: str | None) -> "np.ndarray":
    from nevoa.config import parse
    from nevoa.data import fitted, image_at, picture_of, pixels_of, read_image, sides_of

    sides, path = sides_of(parse({"data": {"size": size}}).data), Path(image)
    pixels = None if path.exists() else image_at(image)
    if pixels is None:
        if not path.is_file():
            raise NevoaError(f"There is no picture {image}. Give a file, or SOURCE:INDEX, such as shapes:7.")
        return pixels_of(fitted(read_image(path), sides or (SIDE, SIDE)))
    return pixels_of(fitted(picture_of(pixels), sides)) if sides else pixels
