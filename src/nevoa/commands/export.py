"""Write a model in a format that other programs open."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from nevoa._util.claim import claimed, numbered
from nevoa._util.loading import load_torch
from nevoa.commands.written import PathLike, Written, output_path
from nevoa.config.names import EXPORT_SUFFIXES, ExportName
from nevoa.config.options import SamplerOptions, given
from nevoa.errors import NevoaError, unknown

if TYPE_CHECKING:
    from nevoa.model import Model


def export(
    run: PathLike | None = None,
    *,
    to: ExportName,
    half: bool = False,
    out: PathLike | None = None,
    force: bool = False,
    **sampling: Unpack[SamplerOptions],
) -> Written:
    """Write a model in a format that other programs open.

    Args:
        run: Run folder, folder of diffusers, or hf:OWNER/NAME. [default: a model of clothes that comes with nevoa]
        to: diffusers = a folder for DiffusionPipeline.from_pretrained; onnx = one file with the network; web = a page
            that makes images in any browser, without a server.
        half: Keep the weights of an ONNX file in float16.
        out: Name of the result: for web, a file in .html, or a folder for a web server. [default: the model's name,
            with .onnx or .html for a file, then the same with -2 and so on]
        force: Replace the file that --out names; for web, also write a page of more than 100 MB.

    Example:
        >>> page = nevoa.export("runs/fashion_mnist-quick", to="web", out="clothes.html")
    """
    options, path = given(export, sampling, SamplerOptions), output_path(out)
    if to not in EXPORT_SUFFIXES:
        raise unknown("format", to, EXPORT_SUFFIXES)
    load_torch()
    from nevoa.commands.load import load
    from nevoa.runs import PACKAGED

    model = load(run or PACKAGED, "cpu")
    _check(to, half, path)
    name = f"{Path(model.place).name}{EXPORT_SUFFIXES[to] or f'-{to}'}"
    with claimed([path] if path else numbered(name), force) as claim:
        if to == "onnx":
            about = _onnx(model, claim.temporary, half, **options)
        elif to == "web":
            about = _web(model, claim.temporary, force, **options)
        else:
            about = _diffusers(model, claim.temporary, **options)
    return Written(claim.path, about)


def _check(to: ExportName, half: bool, out: Path | None) -> None:
    if half and to != "onnx":
        raise NevoaError("--half is for --to onnx: leave it out.")
    suffix = out.suffix.lower() if out else EXPORT_SUFFIXES[to]
    if to == "web" and suffix not in ("", ".html"):
        raise NevoaError(f"--out must be a file in .html or a folder, not {out}.")
    if to != "web" and (suffix == ".onnx") != (to == "onnx"):
        raise NevoaError(f"--out must be {'a file in .onnx' if to == 'onnx' else 'a folder'}, not {out}.")


def _web(model: "Model", path: Path, force: bool, **given: Any) -> str:
    from nevoa.formats import webpage

    return f"{webpage.export(model, path, force, **given) / 1e6:,.1f} MB"


def _diffusers(model: "Model", path: Path, **given: Any) -> str:
    from nevoa.formats.diffusers import export as folder

    return folder.export(model, path, **given)


def _onnx(model: "Model", path: Path, half: bool, **given: Any) -> str:
    from nevoa.formats import onnx

    onnx.export(model, path, half, **given)
    return f"{model.parameters:,} parameters in {'float16' if half else 'float32'}"
