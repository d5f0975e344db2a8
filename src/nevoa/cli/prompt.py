"""The options of `nevoa sample` for models that take a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cyclopts import Parameter

from nevoa._util.plain import sides_in
from nevoa.cli.options import Size
from nevoa.cli.starting import StartFlags
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.formats.diffusers.text_to_image import TextToImage

# Images of such models take long.
PROMPTED_COUNT = 1


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PromptFlags:
    """Images that a text describes, by a text-to-image model in place of a run.

    Attributes:
        prompt: Text that describes the images; the model is hf:OWNER/NAME or a folder of diffusers.
        size: Size of the images. [default: the model's own]
    """

    prompt: str | None = None
    size: Size = None

    def open(self, place: str | None, label: Sequence[str], start: StartFlags) -> "TextToImage | None":
        """Open the model at a place; None without --prompt. A NevoaError for options that do not go with a prompt."""
        if self.prompt is None:
            if self.size is not None:
                raise NevoaError("--size is for text-to-image models, which need --prompt: leave out --size.")
            return None
        if label:
            raise NevoaError("--label does not apply to a text-to-image model: describe the image in --prompt instead.")
        if start != StartFlags():
            raise NevoaError("--prompt starts from noise: leave out --from, --inpaint and --interpolate.")
        if place is None:
            raise NevoaError("--prompt needs a text-to-image model: name one, hf:OWNER/NAME or a folder of diffusers.")
        from nevoa.formats.diffusers.text_to_image import open_text_to_image

        return open_text_to_image(place, self.prompt, self._sides())

    def _sides(self) -> tuple[int, int] | None:
        if self.size is None:
            return None
        try:
            sides = sides_in(self.size)
        except ValueError as error:
            raise NevoaError(f"--size: {error} (given: '{self.size}').") from error
        return (sides, sides) if isinstance(sides, int) else sides
