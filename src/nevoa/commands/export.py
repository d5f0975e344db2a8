"""Write a model in a format that other programs open."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from nevoa._util.arguments import has_argument
from nevoa._util.reserve import numbered, reserve_output
from nevoa.commands.written import PathLike, Written, output_path
from nevoa.config.options import SamplerOptions, given
from nevoa.config.registry import EXPORTS
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.data import Picture
    from nevoa.formats import Export


def export(
    run: PathLike | None = None,
    *,
    to: str,
    half: bool = False,
    picture: "Picture | None" = None,
    out: PathLike | None = None,
    force: bool = False,
    **sampling: Unpack[SamplerOptions],
) -> Written:
    """Write a model in a format that other programs open.

    Args:
        run: Run folder, folder of diffusers, or hf:OWNER/NAME. [default: a model of clothes that comes with nevoa]
        to: diffusers = a folder for DiffusionPipeline.from_pretrained; onnx = one file with the network; web = a page
            that makes images in any browser, without a server; or the name of a plugin's format.
        half: Keep the weights of an ONNX file in float16.
        picture: A file that the canvas of a page begins with, for a model of pictures, as nevoa sample takes it. The
            page holds it, so choose one that may be seen. [default: an empty canvas]
        out: Name of the result: for web, a .html file, or a folder for a web server. [default: the model's name,
            with .onnx or .html for a file, then the same with -2 and so on]
        force: Replace the file that --out names; for web, also write a page of more than 100 MB.

    Example:
        >>> page = nevoa.export("runs/fashion_mnist-quick", to="web", out="clothes.html")
    """
    options, path = given(export, sampling, SamplerOptions), output_path(out)
    EXPORTS.checked(to)
    from nevoa.commands.load import load
    from nevoa.runs import PACKAGED

    format_: Export = EXPORTS[to]
    _check(to, format_, {"half": half, "picture": picture is not None}, path)
    model = load(PACKAGED if run is None else run, "cpu")
    format_.check(model, model.settings(**options))
    own = {"half": half, "picture": picture, "force": force}
    own = {name: value for name, value in own.items() if has_argument(format_.write, name)}
    name = f"{Path(model.place).name}{format_.suffixes[0] or f'-{to}'}"
    with reserve_output([path] if path else numbered(name), force and path is not None) as reserved:
        about = format_.write(model, reserved.temporary, **own, **options)
    return Written(reserved.path, about)


def _check(to: str, format_: "Export", chosen: Mapping[str, bool], out: Path | None) -> None:
    for option, is_chosen in chosen.items():
        if is_chosen and not has_argument(format_.write, option):
            able = " or ".join(f"--to {name}" for name in EXPORTS if has_argument(EXPORTS[name].write, option))
            raise NevoaError(f"--{option} is for {able}: leave it out.")
    suffix = out.suffix.lower() if out else format_.suffixes[0]
    # A dot in the name of a folder is no suffix, unless it is that of another format.
    others = {each for name in EXPORTS if name != to for each in EXPORTS[name].suffixes}
    if suffix not in format_.suffixes and (format_.suffixes != ("",) or suffix in others):
        raise NevoaError(f"--out must be {format_.place}, not {out}.")
