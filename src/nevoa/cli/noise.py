"""`nevoa noise`: show the forward process."""

from typing import Annotated, get_args

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt

from nevoa.cli.options import Force, Names, Out, Size, options_named
from nevoa.commands import noise as command
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
    with options_named({"size": size}):
        print(command.noise(image, schedule=schedule, at=at, size=size, seed=seed, out=out, force=force))


noise.__doc__ = command.noise.__doc__
