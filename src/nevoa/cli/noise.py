"""`nevoa noise`: show the forward process."""

from typing import Annotated, get_args

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt

from nevoa.cli.options import Force, Names, Out, Size, options_named
from nevoa.config.names import ScheduleName

SCHEDULE_HELP = Parameter(help=f"Noise schedules, separated by commas: {', '.join(get_args(ScheduleName))}.")


def noise(
    image: str,
    /,
    *,
    schedule: Annotated[Names, SCHEDULE_HELP] = ("linear",),
    at: Names = (),
    size: Size = None,
    seed: NonNegativeInt = 0,
    out: Out = None,
    force: Force = False,
) -> None:
    """Draw an image with more and more noise: samples of q(x_t | x_0), in a row for each schedule.

    Below them are the curves of alpha_bar, the share of the image that is left, and of the ratio of signal to noise.

    Args:
        image: A picture file, or SOURCE:INDEX, such as shapes:7.
        at: Timesteps from 0 (the image) to the last one of the schedule, separated by commas; for a picture.
            [default: ten, closest together where the image changes most]
        size: Resize and crop to this size, keeping proportions. [default: 128 for a file, else the image's own]
        seed: Seed of the noise.
        out: Name of the result: x.png, or x.gif, x.mp4, x.webm or x.html for an animation from t = 0 to T. [default:
            noise.png, then noise-2.png and so on]
    """
    from nevoa.commands.noise import noise

    with options_named({"size": size}):
        print(noise(image, schedule=schedule, at=at, size=size, seed=seed, out=out, force=force))
