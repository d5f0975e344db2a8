"""`nevoa upscale`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt

from nevoa.cli.options import Force, Out, SamplerFlags, options_named
from nevoa.commands import upscale as command


def upscale(
    run: str,
    image: Path,
    /,
    *,
    label: Annotated[str | None, Parameter(name="--class", metavar="NAME")] = None,
    prompt: Annotated[str | None, Parameter(metavar="TEXT")] = None,
    seed: NonNegativeInt = 0,
    out: Out = None,
    force: Force = False,
    sampling: SamplerFlags = SamplerFlags(),
) -> None:
    given = sampling.keywords()
    with options_named(given):
        print(command.upscale(run, image, label=label, prompt=prompt, seed=seed, out=out, force=force, **given))


upscale.__doc__ = command.upscale.__doc__
