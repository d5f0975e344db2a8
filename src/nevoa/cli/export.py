"""`nevoa export`."""

from nevoa.cli.options import ExportName, Force, Out, SamplerFlags, options_named
from nevoa.commands import export as command


def export(
    run: str | None = None,
    /,
    *,
    to: ExportName,
    sampling: SamplerFlags = SamplerFlags(),
    half: bool = False,
    out: Out = None,
    force: Force = False,
) -> None:
    given = sampling.keywords()
    with options_named(given):
        print(command.export(run, to=to, half=half, out=out, force=force, **given))


export.__doc__ = command.export.__doc__
