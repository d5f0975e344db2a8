"""`nevoa noise`: the forward process, seen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nevoa.cli.options import size_of
from nevoa.errors import NevoaError, unknown

if TYPE_CHECKING:
    import numpy as np

    from nevoa.data import Size

SIDE = 128
MOMENTS = "0,20,60,80,100,150,250,350,500,1000"


def noise(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture file, or SOURCE:INDEX.")],
    schedule: Annotated[str, typer.Option(help="linear, quadratic, sigmoid, cosine or flow.")] = "linear",
    at: Annotated[str, typer.Option(help="Timesteps, 0 to 1000, with commas.")] = MOMENTS,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="S|HxW", help="Resize and crop to this, without squashing.", show_default="128; a SOURCE's own"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides the noise.")] = 0,
    out: Annotated[Path, typer.Option(help="A .png.")] = Path("noise.png"),
) -> None:
    """Show a picture sink into noise: q(x_t | x_0) at the timesteps given."""
    import numpy as np
    import torch

    from nevoa._util.files import published
    from nevoa._util.random import Stream, generator
    from nevoa.data import sides_of, to_bytes, to_unit
    from nevoa.diffusion import SCHEDULES, GaussianProcess, steps_of
    from nevoa.pictures import titled_strip
    from nevoa.presets import configure

    if schedule not in SCHEDULES:
        raise unknown("schedule", schedule, SCHEDULES)
    if out.suffix != ".png":
        raise NevoaError(f"--out is a picture and ends in .png, not {out.name}.")
    process = GaussianProcess(SCHEDULES[schedule]())
    sides = sides_of(configure(size=size_of(size)).data)
    moments = _moments(at, steps_of(process.schedule))
    x_0 = to_unit(_pixels(image, sides)[None]).repeat(len(moments), 1, 1, 1)
    # The same noise in every tile: what is seen is the schedule, not the luck of a draw.
    draw = generator(seed, Stream.PICTURE).standard_normal(x_0.shape[1:], dtype=np.float32)
    x_t = process.forward(x_0, torch.tensor(moments), torch.from_numpy(draw).expand_as(x_0))
    with published(out) as temporary:
        titled_strip(to_bytes(x_t), [f"t = {t}" for t in moments], SIDE).save(temporary)
    typer.echo(f"{len(moments)} moments, {schedule} schedule: {out}")


def _moments(at: str, steps: int) -> list[int]:
    try:
        moments = [int(part) for part in at.split(",")]
    except ValueError as error:
        raise NevoaError(f"--at is a list of whole numbers such as 0,100,1000, not '{at}'.") from error
    for t in moments:
        if not 0 <= t <= steps:
            raise NevoaError(f"--at {t}: timesteps are 0 to {steps}.")
    return moments


def _pixels(image: str, size: "Size | None") -> "np.ndarray":
    from nevoa.data import fitted, image_at, parse_index, picture_of, pixels_of, read_image

    path = Path(image)
    named = parse_index(image) if not path.exists() else None
    if named is None:
        if not path.is_file():
            raise NevoaError(f"There is no picture {image}. An image of a SOURCE is named by its index, as shapes:7.")
        return pixels_of(fitted(read_image(path), size or (SIDE, SIDE)))
    pixels = image_at(*named)
    return pixels_of(fitted(picture_of(pixels), size)) if size else pixels
