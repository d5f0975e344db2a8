"""Names of the files that commands write: those that users give, or the next free ones."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nevoa._util.arguments import is_utf8, path_of
from nevoa.errors import NevoaError

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Written:
    """A file or folder that a command wrote. A notebook shows a picture.

    Attributes:
        path: where it is.
        about: what is in it, in words.

    Example:
        >>> print(Written(Path("noise.png"), "10 timesteps, linear schedule"))
        10 timesteps, linear schedule: noise.png
    """

    path: Path
    about: str

    def __str__(self) -> str:
        return f"{self.about}: {self.path}"

    def _repr_png_(self) -> bytes | None:
        return self.path.read_bytes() if self.path.suffix == ".png" and self.path.is_file() else None


def output_path(out: Any) -> Path | None:
    """The path that `out` names. A NevoaError if it is empty, cannot be printed, or lies among the files of a run."""
    if out is None:
        return None
    path = path_of("out", out)
    if not str(out).strip():
        raise NevoaError("The name --out is empty: give a name, or leave out --out.")
    if not is_utf8(str(out)):
        raise NevoaError(f"The name --out {str(out)!a} is not UTF-8: choose another one.")
    from nevoa.runs import run_around

    if run := run_around(path):
        raise NevoaError(
            f"{out} lies among the files of the run {run}: choose an --out in {run / 'images'}, or elsewhere."
        )
    return path


def check_outside(source: str, out: Path) -> None:
    """Raise a NevoaError if a result would become one of the images in a folder."""
    if source and Path(source).is_dir() and out.resolve().parent.is_relative_to(Path(source).resolve()):
        raise NevoaError(f"{out} would become one more image of {source}: choose an --out outside that folder.")


def check_is_png(path: Path | None) -> None:
    """Raise a NevoaError unless the suffix is .png, or the name is the default."""
    if path and path.suffix.lower() != ".png":
        raise NevoaError(f"--out must be a picture: choose a name that ends in .png, not {path.name}.")
