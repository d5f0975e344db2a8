"""`nevoa export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nevoa.cli.loading import load_torch
from nevoa.cli.options import AllSamplingFlags, Force, Out, options_named
from nevoa.errors import NevoaError
from nevoa.vocabulary import ExportName

if TYPE_CHECKING:
    from nevoa.model import Model


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
        to: diffusers = a folder for DiffusionPipeline.from_pretrained; onnx = one file with the network.
        half: Keep the weights of an ONNX file in float16.
        out: Name of the result. [default: the model's name, with .onnx for a file, then the same with -2 and so on]
    """
    load_torch()
    from nevoa._util.claim import claimed, numbered
    from nevoa.interop.load import load
    from nevoa.runs import PACKAGED

    given = sampling.keywords()
    model = load(run or PACKAGED, "cpu")
    _check(to, half, out)
    name = f"{Path(model.place).name}{'.onnx' if to == 'onnx' else '-diffusers'}"
    with claimed([out] if out else numbered(name), force) as claim, options_named(given):
        what = (
            _onnx(model, claim.temporary, half, **given)
            if to == "onnx"
            else _diffusers(model, claim.temporary, **given)
        )
    print(f"{what}: {claim.path}")


def _check(to: str, half: bool, out: Path | None) -> None:
    if half and to != "onnx":
        raise NevoaError("--half is for --to onnx: leave it out.")
    if out and (out.suffix.lower() == ".onnx") != (to == "onnx"):
        raise NevoaError(f"--out is {'a file in .onnx' if to == 'onnx' else 'a folder'}, not {out}.")


def _diffusers(model: "Model", path: Path, **given: Any) -> str:
    from nevoa.interop.diffusers import export as folder

    return folder.export(model, path, **given)


def _onnx(model: "Model", path: Path, half: bool, **given: Any) -> str:
    from nevoa.interop import onnx

    onnx.export(model, path, half, **given)
    return f"{model.parameters:,} parameters in {'float16' if half else 'float32'}"
