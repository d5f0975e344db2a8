"""`nevoa sample`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt, PositiveInt

from nevoa.cli.options import Force, Names, Out, SamplerFlags, Size, options_named
from nevoa.cli.processes import ProcessFlags
from nevoa.commands import sample as command


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SampleFlags:
    __doc__ = command.sample.__doc__

    count: PositiveInt | None = None
    label: Names = ()
    seed: NonNegativeInt = 0
    trajectory: Annotated[int | None, Parameter(metavar="K")] = None
    out: Out = None
    force: Force = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StartFlags:
    __doc__ = command.SampleOptions.__doc__

    from_: Annotated[Path | None, Parameter(name="--from")] = None
    strength: float | None = None
    inpaint: Path | None = None
    mask: Path | None = None
    interpolate: tuple[Path, Path] | None = None
    frames: int | None = None
    prompt: str | None = None
    size: Size = None


def sample(
    run: str | None = None,
    /,
    *,
    images: SampleFlags = SampleFlags(),
    start: StartFlags = StartFlags(),
    sampling: SamplerFlags = SamplerFlags(),
    processes: ProcessFlags = ProcessFlags(),
) -> None:
    given = sampling.keywords()
    processes.start()
    with options_named(given):
        print(command.sample(run, **vars(images), **vars(start), **given))


sample.__doc__ = command.sample.__doc__
