"""Make images with a model, and keep the states on the way for the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nevoa.commands.load import load
from nevoa.data import is_hub, to_bytes
from nevoa.model import Model
from nevoa.pictures import LARGE_FRAME, class_grid, enlargement, save_animation
from nevoa.runs import PACKAGED as PACKAGED_RUN
from nevoa.runs import TO_START_FROM, packaged_names
from nevoa.studio.files import changed
from nevoa.studio.texts import StudioError
from nevoa.studio.workspace import Workspace

PACKAGED = "nevoa"
# The other models that come with nevoa go by their own names.
OTHERS = tuple(name for name in packaged_names() if name != PACKAGED_RUN.name and not name.startswith(TO_START_FROM))
MOST_IMAGES = 256
# States that the page keeps, and frames of an animation.
MOST_STATES = 60
FORMATS = "png", "gif", "mp4", "npy"


@dataclass(frozen=True)
class Made:
    """Images, and how they came out of the noise.

    Attributes:
        states: uint8 `[N, H, W, C]` each, from noise to images; only the images if the way was not kept.
        classes: names of their classes, or their prompts, in turn; or the tags of all.
    """

    states: Sequence[np.ndarray]
    classes: Sequence[str] = ()

    def picture(self, state: int = -1, scale: int | None = None) -> Image.Image:
        """The grid of a state."""
        return class_grid(self.states[state], self.classes, scale)

    def save(self, path: Path) -> None:
        """Save them in the format of the suffix."""
        if path.suffix == ".npy":
            np.save(path, self.states[-1])
        elif path.suffix == ".png":
            self.picture().save(path)
        else:
            scale = enlargement(self.states[0], largest=LARGE_FRAME)
            save_animation([self.picture(n, scale) for n in range(len(self.states))], path)


def opened(workspace: Workspace, name: str) -> Model:
    """A packaged model, that of a run, of a folder of diffusers, or of the Hub; of a folder, the newest."""
    if name == PACKAGED:
        return _loaded(None, 0.0)
    if is_hub(name) or name in OTHERS:
        return _loaded(name, 0.0)
    place = workspace.runs / name if name in workspace.run_names() else workspace.folder / name
    weights = place.glob("*/*.safetensors") if place.is_dir() else ()
    return _loaded(str(place), max(map(changed, weights), default=0.0))


@lru_cache(maxsize=2)
def _loaded(place: str | None, _mark: float) -> Model:
    return load(place) if place else load()


def make(model: Model, count: int, seed: int, options: dict[str, Any]) -> Iterator[Made]:
    """Make images, and yield what there is after each step; the last one has all states.

    Args:
        options: of sampling; None, "" and [] mean not given.
    """
    most = min(MOST_IMAGES, model.images_at_once)
    if not 1 <= count <= most:
        raise StudioError("too_many", most=most, count=count)
    given = {name: value for name, value in options.items() if value not in (None, "", [])}
    by_itself = model.classes if model.start.all_classes and not model.plan.conditions else ()
    names = given.get("prompt") or given.get("labels") or given.get("tags") or by_itself
    steps = len(model.timesteps(model.settings(**given))) - 1
    wanted = set(np.linspace(0, steps, min(steps + 1, MOST_STATES)).round().astype(int).tolist())
    kept: list[np.ndarray] = []
    for index, state in enumerate(model.trajectory(count, seed, **given)):
        if index in wanted:
            kept.append(to_bytes(state.x_t))
            yield Made(tuple(kept), names)
