"""Few images: a training that asks for `start=auto` begins with a model that comes with nevoa, where one suits it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nevoa.config import Plan
from nevoa.config.presets import QUICK
from nevoa.config.training import TrainingConfig
from nevoa.data import ImageSet
from nevoa.runs import Run, is_packaged, named, packaged_names
from nevoa.training.draft import Draft
from nevoa.training.start import FINE_TUNING

# With so many images or more, a training begins at random.
FEW = 2_000
# The models to begin with: drawings32 for images of 32x32, drawings64 for 64x64, in colour.
MODELS = "drawings"
# The recipes that `auto` stands for.
AT_RANDOM = {key: QUICK["training"][key] for key in FINE_TUNING}
FROM_A_MODEL = FINE_TUNING


def with_start(draft: Draft, asked: TrainingConfig, was: Plan | None) -> Draft:
    """Return the draft with the model that it starts from, and the recipe for that, where its config leaves them open.

    A run to resume keeps its own.
    """
    open_keys = [key for key in FINE_TUNING if draft.recipe[key] == "auto"]
    if was is not None:
        return _by(was.training.model_dump(), open_keys, draft)
    begun = _started(_by(AT_RANDOM, open_keys, draft), asked)
    return _by(FROM_A_MODEL, open_keys, begun) if begun.recipe["start"] else begun


def _by(recipe: Mapping[str, Any], keys: Sequence[str], draft: Draft) -> Draft:
    """The draft with the values that a recipe has for these keys."""
    draft = draft.training(**{key: recipe[key] for key in keys})
    return draft.training(weigh_guide=draft.recipe["weigh_guide"] and bool(draft.recipe["guide"]))


def _started(draft: Draft, asked: TrainingConfig) -> Draft:
    """The draft with the model that comes with nevoa to start from, if that is left open and one suits its images.

    It suits few images of its size if the network and the process are its own, at its width where that is open.
    """
    name = model_for(draft.images)
    if asked.start != "auto" or name is None or len(draft.images) >= FEW:
        return draft
    start = Run(named(name)).plan()
    as_wide = draft.width(start.network.model_dump()["dim"]) if "dim" in draft.open else draft
    plan = as_wide.plan()
    if (plan.network, plan.diffusion) != (start.network, start.diffusion):
        return draft
    return replace(as_wide, open=draft.open - {"dim"}).training(start=name)


def model_for(images: ImageSet) -> str | None:
    """Return the name of the model that comes with nevoa for images of this size; None without one.

    Example:
        >>> model_for(images)
    """
    channels, height, width = images.shape
    name = f"{MODELS}{height}"
    return name if (channels, width) == (3, height) and is_packaged(name) else None


def in_words(asked: TrainingConfig, plan: Plan, images: ImageSet) -> str:
    """Return what a training starts from and, if nevoa chose, why; empty for random weights that nobody wonders about.

    Example:
        >>> in_words(config.training, plan, images)
        ''
    """
    start = plan.training.start
    if asked.start != "auto":
        return _called(start) if start else ""
    if start:
        return f"{start}, which comes with nevoa, because {len(images):,} images are few (--from none: random weights)"
    return _why_random(images) if len(images) < FEW else ""


def _called(place: str) -> str:
    """The name of a model that comes with nevoa, or any other place as it is."""
    name = Path(place).name
    return name if str(named(name)) == place else place


def _why_random(images: ImageSet) -> str:
    """Why few images have no model to start from; empty if none comes with nevoa."""
    sides = [f"{side}x{side}" for name in packaged_names() if (side := name.removeprefix(MODELS)) != name]
    if name := model_for(images):
        return f"random weights; {name}, the model for few images, has another network or process than these settings"
    of = f"few images of {' and '.join(sides)} in colour (--size)"
    return f"random weights; nevoa has models to start from for {of}" if sides else ""
