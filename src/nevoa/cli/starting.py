"""Options of `nevoa sample` that start from images instead of noise."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.model import Model


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StartFlags:
    """Start from images instead of noise. A model with classes then works without them unless --label is given.

    Attributes:
        picture: Make variations of this image.
        strength: How far variations may differ: near 0 keeps the image, 1 keeps hardly anything. [default: 0.6]
        inpaint: Paint a part of this image anew, and keep the rest.
        mask: Which part of --inpaint: white is painted anew, black is kept.
        interpolate: Lead from the first of these two images to the second; the same for any --seed.
        frames: Number of images from one to the other. [default: 9]
    """

    picture: Annotated[Path | None, Parameter(name="--from")] = None
    strength: float | None = None
    inpaint: Path | None = None
    mask: Path | None = None
    interpolate: tuple[Path, Path] | None = None
    frames: int | None = None

    def applied(self, model: "Model") -> "Model":
        """The model that starts from the images named; the model itself without any."""
        self._check()
        from nevoa.editing import inpainting, interpolation, variations

        if self.picture:
            return variations(model, self.picture, 0.6 if self.strength is None else self.strength)
        if self.inpaint and self.mask:
            return inpainting(model, self.inpaint, self.mask)
        if self.interpolate and self.count is not None:
            return interpolation(model, *self.interpolate, self.count)
        return model

    @property
    def count(self) -> int | None:
        """How many images these options ask for."""
        return (9 if self.frames is None else self.frames) if self.interpolate else None

    def _check(self) -> None:
        """Raise a NevoaError unless the options go together."""
        named = {"--from": self.picture, "--inpaint": self.inpaint, "--interpolate": self.interpolate}
        if len(given := [option for option, value in named.items() if value]) > 1:
            raise NevoaError(f"Give one of {' and '.join(given)}.")
        needs = {
            "--strength": (self.strength, "--from", self.picture),
            "--mask": (self.mask, "--inpaint", self.inpaint),
            "--inpaint": (self.inpaint, "--mask", self.mask),
            "--frames": (self.frames, "--interpolate", self.interpolate),
        }
        for option, (value, other, needed) in needs.items():
            if value is not None and not needed:
                raise NevoaError(f"{option} needs {other}: add it, or leave out {option}.")
