"""`nevoa export`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from nevoa.cli.options import ExportName, Force, Out, SamplerFlags, options_named
from nevoa.commands import export as command


def export(
    run: str | None = None,
    /,
    *,
    to: ExportName,
    sampling: SamplerFlags = SamplerFlags(),
    half: bool = False,
    picture: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    out: Out = None,
    force: Force = False,
) -> None:
    given = sampling.keywords()
    with options_named(given):
        print(command.export(run, to=to, half=half, picture=picture, out=out, force=force, **given))


export.__doc__ = command.export.__doc__
