"""Groups of options that several commands share. Their docstrings are the help texts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from nevoa.config.names import FitName, SamplerName, SpacingName, VarianceName
from nevoa.config.options import DataOptions, SamplerOptions
from nevoa.errors import NevoaError, WrongValue


def _path(_: type, tokens: Sequence[Token]) -> Path | None:
    """The path after --out. A NevoaError if nothing can be written there."""
    from nevoa.commands.written import output_path

    return output_path(tokens[0].value)


# Options whose name is not that of their key.
OPTIONS = {"only": "classes"}

Names = Annotated[tuple[str, ...], Parameter(metavar="A,B")]
Size = Annotated[str | None, Parameter(metavar="S|HxW")]
Out = Annotated[Path | None, Parameter(converter=_path)]
Force = Annotated[bool, Parameter(help="Replace the file that --out names.")]
Json = Annotated[bool, Parameter(name="--json", help="Print the result as JSON.")]
Options = Annotated[tuple[str, ...], Parameter(name="-o", metavar="SECTION.KEY=VALUE", show_default=False)]
Plugin = Annotated[
    tuple[Path, ...],
    Parameter(
        metavar="FILE.py", show_default=False, help="Python file that registers the run's network; may be repeated."
    ),
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


class PluginFlags:
    """Base of groups with the option `--plugin`."""

    def keywords(self) -> dict[str, Any]:
        """The other options as keywords; None means not given. Loads the plugins."""
        from nevoa.config.plugins import load_plugins

        others = dict(vars(self))
        load_plugins(others.pop("plugin"))
        return others


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
    guidance: float | None = None
    plugin: Plugin = ()


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
