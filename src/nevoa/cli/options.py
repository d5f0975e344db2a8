"""Groups of options that several commands share. Their docstrings are the help texts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, Token

from nevoa.config.names import FitName, SpacingName, VarianceName
from nevoa.config.options import DataOptions, SamplerOptions
from nevoa.config.registry import EXPORTS, PRESETS, SAMPLERS
from nevoa.errors import NevoaError, WrongValue


def _path(_: type, tokens: Sequence[Token]) -> Path | None:
    """The path after --out. A NevoaError if nothing can be written there."""
    from nevoa.commands.written import output_path

    return output_path(tokens[0].value)


if TYPE_CHECKING:
    ExportName = PresetName = SamplerName = str
else:
    # Help and completion list what comes with nevoa. Any other name may be that of a plugin, which is not loaded yet.
    ExportName, PresetName, SamplerName = (
        Annotated[Literal[table.own] | str, Parameter(metavar="NAME")] for table in (EXPORTS, PRESETS, SAMPLERS)
    )


def _plugins(_: Any, tokens: Sequence[Token]) -> tuple[Path, ...]:
    """Load the files after --plugin and return them: other arguments may use the names that they register."""
    from nevoa.config.plugins import load_plugins

    files = tuple(Path(token.value) for token in tokens)
    load_plugins(files)
    return files


# Options whose name is not that of their key.
OPTIONS = {"only": "classes", "not_": "not"}

Names = Annotated[tuple[str, ...], Parameter(metavar="A,B")]
Size = Annotated[str | None, Parameter(metavar="S|HxW")]
Out = Annotated[Path | None, Parameter(converter=_path)]
Force = Annotated[bool, Parameter(help="Replace the file that --out names.")]
Json = Annotated[bool, Parameter(name="--json", help="Print the result as JSON.")]
Augment = Annotated[tuple[str, ...], Parameter(metavar="NAME|CHANCE", show_default=False)]
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
    __doc__ = DataOptions.__doc__

    only: Annotated[Names, Parameter(name="--classes")] = ()
    min_size: int | None = None
    size: Size = None
    fit: FitName | None = None
    channels: Literal[1, 3] | None = None
    background: str | None = None

    def keywords(self) -> dict[str, Any]:
        """The options under the config's names; None means not given."""
        from nevoa.data.names import names_of

        return vars(self) | {"only": names_of(self.only) or None}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SourceFlags(ImageFlags):
    __doc__ = DataOptions.__doc__

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


@Parameter(name="*", show_default="the model's")
@dataclass(frozen=True, kw_only=True)
class SamplerFlags(PluginFlags):
    __doc__ = SamplerOptions.__doc__

    sampler: SamplerName | None = None
    steps: int | None = None
    spacing: SpacingName | None = None
    variance: VarianceName | None = None
    eta: float | None = None
    clip: Annotated[bool | None, Parameter(negative="--no-clip")] = None
    guidance: Annotated[tuple[str, ...], Parameter(metavar="W|KIND=W")] = ()
    autoguidance: float | None = None

    def keywords(self) -> dict[str, Any]:
        """The options as keywords; None means not given."""
        return super().keywords() | {"guidance": _weights(self.guidance)}


def _weights(typed: tuple[str, ...]) -> Any:
    """A weight, or one by kind; None if not given."""
    if len(typed) == 1 and "=" not in typed[0]:
        return _number(typed[0])
    weights = by_name("--guidance", typed, "KIND=W", "text=3")
    if weights and (twice := next((kind for kind, several in weights.items() if len(several) > 1), None)):
        raise NevoaError(f"--guidance has several weights for {twice}: give one.")
    return weights and {kind: weight for kind, (weight,) in weights.items()}


def _number(text: str) -> float | str:
    with suppress(ValueError):
        return float(text)
    return text


def by_name(
    option: str, typed: tuple[str, ...], form: str = "NAME=VALUE", such: str = "age=30"
) -> dict[str, list[Any]] | None:
    """The values under each name that NAME=VALUE gives; None without any."""
    from nevoa.config.toml import value_of

    found: dict[str, list[Any]] = {}
    for text in typed:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise NevoaError(f"{option} needs {form}, as in {option} {such}, not '{text}'.")
        found.setdefault(name, []).append(value_of(value))
    return found or None


@contextmanager
def options_named(given: Mapping[str, Any]) -> Iterator[None]:
    """Within the block, an error about a value that an option gave names the option: --size, not data.size.

    Args:
        given: values by their names in the config; None means not given.
    """
    try:
        yield
    except WrongValue as error:
        name, _, part = re.sub("^(data|training)[.]", "", error.name).partition(".")
        if given.get(name) is None:
            raise
        raise NevoaError(f"--{OPTIONS.get(name, name)}{f' {part}' * bool(part)}{error.problem}") from error
