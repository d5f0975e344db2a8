"""`nevoa sample`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt, PositiveInt

from nevoa.cli.options import Force, Names, Out, SamplerFlags, Size, by_name, options_named
from nevoa.cli.processes import ProcessFlags
from nevoa.commands import sample as command


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SampleFlags:
    __doc__ = command.sample.__doc__

    count: PositiveInt | None = None
    label: Annotated[Names, Parameter(name="--class")] = ()
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
    blend: Annotated[tuple[str, str] | None, Parameter(metavar="TEXT TEXT")] = None
    frames: int | None = None
    not_: Annotated[str | None, Parameter(name="--not", metavar="TEXT")] = None
    tags: Annotated[tuple[str, ...], Parameter(metavar="A,B", show_default=False)] = ()
    picture: Annotated[tuple[Path, ...], Parameter(metavar="FILE", show_default=False)] = ()
    numbers: Annotated[tuple[str, ...], Parameter(name="--number", metavar="NAME=VALUE", show_default=False)] = ()
    condition: Annotated[tuple[str, ...], Parameter(metavar="KIND=VALUE", show_default=False)] = ()
    prompt: Annotated[tuple[str, ...], Parameter(metavar="TEXT", show_default=False)] = ()
    size: Size = None
    upscale: Annotated[str | None, Parameter(metavar="RUN")] = None

    def keywords(self) -> dict[str, Any]:
        """The options as keywords; None means not given."""
        named = {"numbers": by_name("--number", self.numbers), "condition": by_name("--condition", self.condition)}
        several = {name: getattr(self, name) or None for name in ("prompt", "tags", "picture")}
        return vars(self) | several | named


def sample(
    run: str | None = None,
    /,
    *,
    images: SampleFlags = SampleFlags(),
    start: StartFlags = StartFlags(),
    sampling: SamplerFlags = SamplerFlags(),
    processes: ProcessFlags = ProcessFlags(),
) -> None:
    given = start.keywords() | sampling.keywords()
    processes.start()
    with options_named(given):
        print(command.sample(run, **vars(images), **given))


sample.__doc__ = command.sample.__doc__
