"""A slider over pictures, and still pictures where there is none."""

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

from nevoa.pictures import png_bytes, titled_grid

# Still pictures stand side by side up to about the width of a page.
WIDEST = 1000


@dataclass(frozen=True)
class Slider:
    """A picture that changes with a value.

    A notebook with ipywidgets and a running kernel shows a slider. Anything else, such as a page or a file that is only
    read, shows the pictures of `stills` side by side, with their values below.

    Args:
        draw: returns the picture for a value; all pictures have one size.
        values: at which the slider stops.
        stills: values of the still pictures; four of `values` by default.
        name: stands before a value, as in `t = 500`.

    Example:
        >>> Slider(lambda t: nevoa.show(images[t]), range(0, 1001, 50)).name
        't'
    """

    draw: Callable[[Any], Image.Image]
    values: Sequence[Any]
    stills: Sequence[Any] = ()
    name: str = "t"

    def still(self) -> Image.Image:
        """Return the still pictures as one."""
        values = self.stills or [self.values[i] for i in np.linspace(0, len(self.values) - 1, 4).round().astype(int)]
        tiles = np.stack([np.asarray(self.draw(value).convert("RGB")) for value in values])
        columns = min(len(tiles), max(1, WIDEST // tiles.shape[2]))
        columns = math.ceil(len(tiles) / math.ceil(len(tiles) / columns))
        return titled_grid(tiles, [self._label(value) for value in values], columns, scale=1)

    def widget(self) -> Any:
        """Return the slider above its picture, as a widget of ipywidgets."""
        from ipywidgets import Image as Picture
        from ipywidgets import SelectionSlider, VBox

        options = [(self._label(value), value) for value in self.values]
        slider = SelectionSlider(options=options, value=self.values[len(self.values) // 2])
        picture = Picture(value=png_bytes(self.draw(slider.value)), format="png", layout={"max_width": "100%"})
        slider.observe(lambda change: setattr(picture, "value", png_bytes(self.draw(change["new"]))), "value")
        return VBox([slider, picture])

    def _label(self, value: Any) -> str:
        return f"{self.name} = {value}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Both forms: whoever displays takes the slider if it can run it, and else the picture."""
        still = {"text/plain": repr(self), "image/png": base64.b64encode(png_bytes(self.still())).decode()}
        if find_spec("ipywidgets") is None:
            return still
        return still | (self.widget()._repr_mimebundle_() or {}) | {"text/plain": repr(self)}
