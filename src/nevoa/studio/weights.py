"""The controls of the tab "Make" that weigh what is asked: one guidance, or that of each kind of condition."""

from collections.abc import Collection
from typing import Any

import gradio as gr

from nevoa.config import ModelPlan
from nevoa.model import Model
from nevoa.studio.asking import MOST_NUMBERS
from nevoa.studio.controls import Page

# Class, text, tags, and the numbers that have sliders.
MOST_KINDS = 3 + MOST_NUMBERS
RANGE: dict[str, Any] = {"minimum": 0, "maximum": 10, "step": 0.1}


class Weights:
    """The controls. A kind that is ticked has a slider of its own, where a model knows several.

    Args:
        guidance: of the first model.
    """

    def __init__(self, page: Page, guidance: float) -> None:
        self.guidance = gr.Slider(value=guidance, **RANGE, **page.say("guidance"))
        self.kinds = gr.CheckboxGroup([], visible=False, **page.say("weights"))
        self.sliders = [gr.Slider(value=1, visible=False, label="", **RANGE) for _ in range(MOST_KINDS)]
        page.on(self.kinds.input, self.show_sliders, self.kinds, self.sliders, show_progress="hidden", queue=False)

    @property
    def controls(self) -> list[Any]:
        """The controls, in the order of the arguments of `weights_of`."""
        return [self.guidance, self.kinds, *self.sliders]

    def of_model(self, model: Model) -> list[Any]:
        """Updates of the controls for a model, which has its own guidance."""
        own = model.plan.sampling.guidance
        kinds = model.plan.kinds[:MOST_KINDS] if len(model.plan.kinds) > 1 else ()
        choices = [(kind, place) for place, kind in enumerate(kinds)]
        names = [*kinds, *[""] * (MOST_KINDS - len(kinds))]
        most = max(RANGE["maximum"], own)
        sliders = [gr.update(label=name, value=own, maximum=most, visible=False) for name in names]
        return [
            gr.update(value=own, maximum=most),
            gr.update(choices=choices, value=[], visible=bool(choices)),
            *sliders,
        ]

    def show_sliders(self, chosen: Collection[int]) -> list[Any]:
        """Show the sliders of the kinds that are ticked."""
        return [gr.update(visible=place in chosen) for place in range(MOST_KINDS)]


def weights_of(plan: ModelPlan, guidance: float, chosen: Collection[int], *values: float) -> float | dict[str, float]:
    """Return the guidance that the controls say: one number, or that of each kind if any has its own."""
    own = {place: values[place] for place in chosen}
    return {kind: own.get(place, guidance) for place, kind in enumerate(plan.kinds)} if own else guidance
