"""`nevoa export`."""

from nevoa.cli.loading import load_torch
from nevoa.cli.options import AllSamplingFlags, ExportName, Force, Out, options_named


def export(
    run: str | None = None,
    /,
    *,
    to: ExportName,
    sampling: AllSamplingFlags = AllSamplingFlags(),
    half: bool = False,
    out: Out = None,
    force: Force = False,
) -> None:
    """Write a model in a format that other programs open.

    Args:
        run: Run folder, folder of diffusers, or hf:OWNER/NAME. [default: a model of clothes that comes with nevoa]
        to: diffusers = a folder for DiffusionPipeline.from_pretrained; onnx = one file with the network; web = a page
            that makes images in any browser, without a server; or the name of a plugin's format.
        half: Keep the weights of an ONNX file in float16.
        out: Name of the result: for web, a file in .html, or a folder for a web server. [default: the model's name,
            with .onnx or .html for a file, then the same with -2 and so on]
        force: Replace the file that --out names; for web, also write a page of more than 100 MB.
    """
    load_torch()
    from nevoa.commands.export import exported
    from nevoa.runs import PACKAGED

    given = sampling.keywords() | {"half": half or None}
    with options_named(given | {"out": out}):
        path, text = exported(run or PACKAGED, to, out, force, **given)
    print(f"{text}: {path}")
