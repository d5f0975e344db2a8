"""The canvas of the tab "Make": the picture that images are made from, where a model knows one."""

from typing import Any

import gradio as gr
import numpy as np
from PIL import Image, ImageChops

from nevoa.conditions import conditions_of
from nevoa.config import ModelPlan, PicturePlan
from nevoa.data import load_images, load_test_images, opaque
from nevoa.model import Model
from nevoa.studio.controls import Page
from nevoa.studio.texts import StudioError

# The pictures that are made of images, each with words of its own for what to draw.
MADE = "downscaled", "gray", "edges", "masked"
# An empty canvas has so many pixels a side, or a few less.
SIDE = 512
# A brush paints so many pixels of an image wide: lines are as wide as edges, and a missing part is wider.
LINE, PART = 2, 5
BLACK, WHITE, RED = "#000000", "#ffffff", "#ff0000"
# What a person paints with on a white canvas, beside colours of their own.
COLOURS = [BLACK, "#808080", WHITE, RED, "#008000", "#0000ff"]


class Canvas:
    """An editor. Above it stands what to draw, as Gradio shows no label over images; below it, a button for an example.

    Of several pictures, it is the first.

    Attributes:
        controls: all three.
    """

    def __init__(self, page: Page) -> None:
        self.say = page.say
        self.words = gr.Markdown(visible=False)
        fixed: dict[str, Any] = {"type": "pil", "sources": ["upload"], "layers": False, "transforms": ()}
        self.editor = gr.ImageEditor(visible=False, show_label=False, format="png", **fixed)
        self.example = page.button("canvas_example", visible=False)
        self.controls = [self.words, self.editor, self.example]

    def of_model(self, model: Model) -> list[dict[str, Any]]:
        """The updates for a model: an empty canvas for the picture that it knows, or none."""
        known = model.plan.pictures
        if not known:
            return [gr.update(visible=False), gr.update(value=None, visible=False), gr.update(visible=False)]
        name, plan = next(iter(known.items()))
        kind = plan.kind if plan.kind in MADE else "picture"  # of the data, or of a plugin
        words = f"{name}: " * (len(known) > 1) + self.say.text(f"canvas_{kind}")
        empty = _empty(plan)
        brush = _brush(plan, min(empty.size))
        shown = gr.update(value=words, visible=True), gr.update(value=empty, brush=brush, visible=True)
        return [*shown, gr.update(visible=True)]

    def fit_brush(self, model: Model, drawn: dict[str, Any]) -> dict[str, Any]:
        """The update after an upload: a brush that suits its size."""
        plan = next(iter(model.plan.pictures.values()))
        return gr.update(brush=_brush(plan, min(drawn["background"].size)))


def example_of(plan: ModelPlan) -> dict[str, Any]:
    """Return the picture of a random image of the data, held out if some were, as the editor takes it.

    It has the size of the model, so that nothing of it is scaled. What is missing is painted over. A NevoaError if the
    images cannot be loaded, or have no picture.
    """
    images = load_images(plan.data)
    images = load_test_images(plan.data, images) if images.notes.held_out else images
    rng, (name, known) = np.random.default_rng(), next(iter(plan.pictures.items()))
    [value] = conditions_of(plan).kinds[name].values(images, rng.integers(len(images), size=1), rng.random(1))
    if value is None:
        raise StudioError("no_example")
    colours = np.broadcast_to(value[..., :-1], (*value.shape[:2], 3))
    background, cover = Image.fromarray(colours).convert("RGBA"), Image.new("RGBA", (known.width, known.height), RED)
    cover.putalpha(Image.fromarray(255 - value[..., -1]))
    composite = Image.alpha_composite(background, cover)
    return {"background": background, "layers": [cover] if composite != background else [], "composite": composite}


def pictured(plan: ModelPlan, drawn: dict[str, Any] | None) -> dict[str, Any]:
    """Return the sampling option for what is on the canvas; none if it is empty.

    Args:
        drawn: what the editor gives: `background`, `layers` and their `composite`, as images with transparency.
    """
    known = plan.pictures
    if not known or not drawn or not (drawn["background"] or drawn["composite"]):
        return {}
    name, kind = next(iter(known.items()))
    shown = opaque(drawn["composite"] or drawn["background"], _paper(kind)).convert("RGB")
    if ImageChops.difference(shown, Image.new("RGB", shown.size, _paper(kind))).getbbox() is None:
        return {}
    return {"condition": {name: _unpainted(drawn) if kind.kind == "masked" else shown}}


def _unpainted(drawn: dict[str, Any]) -> Image.Image:
    """The background, transparent where it is painted over. A StudioError if nothing is transparent."""
    layers = [np.asarray(layer.convert("RGBA"))[..., 3] for layer in drawn["layers"]]
    below = np.array((drawn["background"] or drawn["composite"]).convert("RGBA"))
    below[np.any([np.zeros(below.shape[:2], bool), *layers], axis=0)] = 0
    if below[..., 3].all():
        raise StudioError("nothing_missing")
    return Image.fromarray(below)


def _empty(plan: PicturePlan) -> Image.Image:
    """An image of the model's proportions, large enough to draw on."""
    scale = max(1, SIDE // max(plan.height, plan.width))
    return Image.new("RGB", (scale * plan.width, scale * plan.height), _paper(plan))


def _paper(plan: PicturePlan) -> str:
    return BLACK if plan.kind == "edges" else WHITE


def _brush(plan: PicturePlan, side: int) -> gr.Brush:
    """A brush for a canvas of so many pixels: Gradio's own covers all of a small one."""
    width = (PART if plan.kind == "masked" else LINE) * plan.factor * side / min(plan.height, plan.width)
    radius, colour = max(1, round(width / 2)), {"edges": WHITE, "masked": RED}.get(plan.kind)
    return gr.Brush(radius, [colour], color_mode="fixed") if colour else gr.Brush(radius, [*COLOURS])
