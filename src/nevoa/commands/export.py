"""Write a model in a format that other programs open."""

import os
from pathlib import Path
from typing import Any

from nevoa._util.claim import claimed, numbered
from nevoa._util.plain import has_argument, path_of
from nevoa.commands.load import load
from nevoa.config.registry import EXPORTS
from nevoa.errors import WrongValue
from nevoa.formats import Export
from nevoa.model import Model
from nevoa.runs import PACKAGED

# Options that some formats have besides those of sampling.
OF_FORMATS = "half", "force"


def export(
    model: Model | str | os.PathLike[str] = PACKAGED,
    to: str = "onnx",
    out: str | os.PathLike[str] | None = None,
    *,
    force: bool = False,
    **options: Any,
) -> Path:
    """Write a model in a format that other programs open. Return the file or folder.

    Args:
        model: or its place, as for `nevoa.load`.
        to: diffusers, onnx, web or a format that a plugin registers.
        out: the file or folder; by default the model's name in the current folder.
        force: whether to replace the file; for web, whether to write a page of more than 100 MB, too.
        options: sampling options in place of the model's own; for onnx also `half`, for weights in float16.

    Raises:
        NevoaError: the format has no such network, sampler or option, or there is something at `out`.

    Example:
        >>> path = nevoa.export(nevoa.load(), "web", "clothes.html")
    """
    return exported(model, to, out, force, **options)[0]


def exported(
    model: Model | str | os.PathLike[str], to: str, out: str | os.PathLike[str] | None, force: bool, **options: Any
) -> tuple[Path, str]:
    """As `export`. Return the file or folder, and what was written there in a few words."""
    format_ = EXPORTS[to]
    wanted = None if out is None else path_of("out", out)
    given = {name: value for name, value in options.items() if value is not None}
    _check(to, format_, wanted, given)
    if not isinstance(model, Model):
        model = load(model, "cpu")
    sampling = {name: value for name, value in given.items() if name not in OF_FORMATS}
    format_.check(model, model.settings(**sampling))
    own = {"force": force} if has_argument(format_.write, "force") else {}
    name = f"{Path(model.place).name or 'model'}{format_.suffixes[0] or f'-{to}'}"
    with claimed([wanted] if wanted else numbered(name), force) as claim:
        text = format_.write(model, claim.temporary, **given, **own)
    return claim.path, text


def _check(to: str, format_: Export, out: Path | None, given: dict[str, Any]) -> None:
    for option in OF_FORMATS:
        if given.get(option) and not has_argument(format_.write, option):
            able = " or ".join(f"--to {name}" for name in EXPORTS if has_argument(EXPORTS[name].write, option))
            raise WrongValue(option, f" is for {able}: leave it out.")
    suffix = out.suffix.lower() if out else format_.suffixes[0]
    # A dot in the name of a folder is no suffix, unless it is that of another format.
    others = {each for name in EXPORTS if name != to for each in EXPORTS[name].suffixes}
    if suffix not in format_.suffixes and (format_.suffixes != ("",) or suffix in others):
        raise WrongValue("out", f" is {format_.place}, not {out}.")
