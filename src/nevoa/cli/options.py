"""Groups of options that several commands share. Their docstrings are the help texts."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, Token

from nevoa._util.plain import is_utf8
from nevoa.config.names import FitName, SpacingName, VarianceName
from nevoa.config.registry import EXPORTS, PRESETS, SAMPLERS
from nevoa.errors import NevoaError, WrongValue


def _path(_: type, tokens: Sequence[Token]) -> Path:
    """The path after --out. A NevoaError if it is empty, cannot be printed, or lies among the files of a run."""
    name = tokens[0].value
    if not name.strip():
        raise NevoaError("The name --out is empty: give a name, or leave out --out.")
    if not is_utf8(name):
        raise NevoaError(f"The name --out {name!a} is not UTF-8: choose another one.")
    from nevoa.runs import run_around

    if run := run_around(Path(name)):
        raise NevoaError(
            f"{name} lies among the files of the run {run}: choose an --out in {run / 'images'}, or elsewhere."
        )
    return Path(name)


if TYPE_CHECKING:
    ExportName = PresetName = SamplerName = str
else:
    # Help and completion list what comes with nevoa. Any other name may be that of a plugin, which is not loaded yet.
    ExportName, PresetName, SamplerName = (
        Annotated[Literal[table.own] | str, Parameter(metavar="NAME")] for table in (EXPORTS, PRESETS, SAMPLERS)
    )


def _plugins(_: Any, tokens: Sequence[Token]) -> tuple[Path, ...]:
    """The files after --plugin, loaded: what is typed besides may be a name that they register."""
    from nevoa.config.plugins import load_plugins

    files = tuple(Path(token.value) for token in tokens)
    load_plugins(files)
    return files


# Options whose name is not that of their key.
OPTIONS = {"only": "classes"}

Names = Annotated[tuple[str, ...], Parameter(metavar="A,B")]
Size = Annotated[str | None, Parameter(metavar="S|HxW")]
Out = Annotated[Path | None, Parameter(converter=_path)]
Force = Annotated[bool, Parameter(help="Replace the file that --out names.")]
Json = Annotated[bool, Parameter(name="--json")]
Options = Annotated[tuple[str, ...], Parameter(name="-o", metavar="SECTION.KEY=VALUE", show_default=False)]
PLUGIN_HELP = "Python file that registers parts by name, such as a network or a sampler; may be repeated."
Plugin = Annotated[
    tuple[Path, ...], Parameter(metavar="FILE.py", converter=_plugins, help=PLUGIN_HELP, show_default=False)
]
Source = Annotated[
    str,
    Parameter(
        help="A folder of images, a .zip, .tar, .npy, .npz, .parquet or idx file, hf:OWNER/NAME, or a data set from "
        "'nevoa data list'."
    ),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class BudgetFlags:
    """For how long to train, counted from the beginning of the run.

    Attributes:
        minutes: Train for this many minutes in all.
        epochs: Train for this many passes over the images in all.
        steps: Train for this many steps in all.
    """

    minutes: float | None = None
    epochs: float | None = None
    steps: int | None = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ImageFlags:
    """Which classes to use, and how to prepare their images.

    Attributes:
        classes: Use only these classes, by name or index, separated by commas: cat,dog. [default: all]
        size: Resize to this size, 4 to 1024, keeping proportions. [default: the images' own; 64 if they differ or
            exceed 128]
        fit: Crop the edges of images of other proportions, or pad these images with the background. [default: crop]
        channels: 1 = gray, 3 = colour. [default: the images' own]
        background: Colour behind transparent pixels and around padded images: a name or #rrggbb. [default: white]
    """

    classes: Names = ()
    size: Size = None
    fit: FitName | None = None
    channels: Literal[1, 3] | None = None
    background: str | None = None

    def keywords(self) -> dict[str, Any]:
        """The options under the config's names; None means not given."""
        given = dict(vars(self))
        return given | {"only": names_of(given.pop("classes")) or None}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SourceFlags(ImageFlags):
    """Which images of a source to use, and how to prepare them.

    Attributes:
        split: Split to use: train, test or another. [default: train]
        limit: Use at most this many images, chosen at random but always the same.
        strict: Fail if any image is unusable.
    """

    split: str | None = None
    limit: int | None = None
    strict: bool | None = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PluginFlags:
    """The option `--plugin`, for groups."""

    plugin: Plugin = ()

    def keywords(self) -> dict[str, Any]:
        """The other options as keywords; None means not given."""
        return {name: value for name, value in vars(self).items() if name != "plugin"}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SamplingFlags(PluginFlags):
    """How a run makes images.

    Attributes:
        sampler: Sampling method. [default: the run's]
        steps: Sampling steps, each one network evaluation (two with heun). [default: the run's, or the sampler's own if
            --sampler changes]
        spacing: How timesteps are spaced. [default: the run's, or trailing if --sampler changes]
        eta: Fresh noise in each ddim step: 0 = none, 1 = as much as ddpm. [default: the run's]
        guidance: Weight of the class: 0 = ignore it, 1 = as in the data, more = exaggerate it. [default: the run's]
    """

    sampler: SamplerName | None = None
    steps: int | None = None
    spacing: SpacingName | None = None
    eta: float | None = None
    guidance: float | None = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AllSamplingFlags(SamplingFlags):
    """All options for making images.

    Attributes:
        variance: Variance of a ddpm step: beta_tilde (small) or beta (large). [default: the run's]
        clip: Clip x_0 to [-1, 1] at every step. [default: the run's]
    """

    variance: VarianceName | None = None
    clip: Annotated[bool | None, Parameter(negative="--no-clip")] = None


@contextmanager
def options_named(given: Mapping[str, Any]) -> Iterator[None]:
    """Within the block, an error about a value that an option gave names the option: --size, not data.size.

    Args:
        given: values by their names in the config; None means not given.
    """
    try:
        yield
    except WrongValue as error:
        name = re.sub("^(data|training)[.]", "", error.name)
        if given.get(name) is None:
            raise
        raise NevoaError(f"--{OPTIONS.get(name, name)}{error.problem}") from error


def names_of(texts: Sequence[str]) -> list[str]:
    """Split each text, such as `cat,dog`, into names; a name that contains a comma is quoted."""
    from nevoa.data import printable

    rows = csv.reader([text.replace("\n", " ") or '""' for text in texts], skipinitialspace=True)
    return [printable(name.strip()) for row in rows for name in row]
