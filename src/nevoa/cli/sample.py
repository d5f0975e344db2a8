"""`nevoa sample`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt, PositiveInt

from nevoa.cli.options import Force, Names, Out, SamplerFlags, Size, options_named
from nevoa.cli.processes import ProcessFlags
from nevoa.commands import sample as command
from nevoa.errors import NevoaError


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
    frames: int | None = None
    tags: Annotated[tuple[str, ...], Parameter(metavar="A,B", show_default=False)] = ()
    numbers: Annotated[tuple[str, ...], Parameter(name="--number", metavar="NAME=VALUE", show_default=False)] = ()
    condition: Annotated[tuple[str, ...], Parameter(metavar="KIND=VALUE", show_default=False)] = ()
    prompt: Annotated[tuple[str, ...], Parameter(metavar="TEXT", show_default=False)] = ()
    size: Size = None

    def keywords(self) -> dict[str, Any]:
        """The options as keywords; None means not given."""
        named = {"numbers": _by_name("--number", self.numbers), "condition": _by_name("--condition", self.condition)}
        return vars(self) | {"prompt": self.prompt or None, "tags": self.tags or None} | named


def _by_name(option: str, typed: tuple[str, ...]) -> dict[str, list[Any]] | None:
    """The values under each name; None without any."""
    from nevoa.config.toml import value_of

    found: dict[str, list[Any]] = {}
    for text in typed:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise NevoaError(f"{option} needs NAME=VALUE, as in {option} age=30, not '{text}'.")
        found.setdefault(name, []).append(value_of(value))
    return found or None


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
        print(command.sample(run, **vars(images), **start.keywords(), **given))


sample.__doc__ = command.sample.__doc__
