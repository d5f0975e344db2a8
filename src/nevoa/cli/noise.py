"""`nevoa noise`: show the forward process."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt

from nevoa.cli.options import Force, Names, Out, Plugin, Size, options_named
from nevoa.commands import noise as command
from nevoa.config.registry import SCHEDULES

SCHEDULE_HELP = Parameter(help=f"Noise schedules, separated by commas: {', '.join(SCHEDULES.own)}.")


def noise(
    image: str,
    /,
    *,
    schedule: Annotated[Names, SCHEDULE_HELP] = ("linear",),
    at: Names = (),
    size: Size = None,
    seed: NonNegativeInt = 0,
    plugin: Plugin = (),
    out: Out = None,
    force: Force = False,
) -> None:
    with options_named({"size": size}):
        print(command.noise(image, schedule=schedule, at=at, size=size, seed=seed, out=out, force=force))


noise.__doc__ = command.noise.__doc__
