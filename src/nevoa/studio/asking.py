"""The controls of the tab "Make" that say what images are asked to be: classes, prompts, tags and numbers."""

import math
from collections.abc import Collection, Sequence
from typing import Any

import gradio as gr

from nevoa.config import ModelPlan, NumberPlan, TagsPlan
from nevoa.model import Model
from nevoa.sampling import accepts
from nevoa.studio.controls import Page

# Gradio builds the sliders with the page, before a model is chosen.
MOST_NUMBERS = 8
# A slider has so many steps or more, and steps of 1 if they are not too few.
STEPS, FEW = 50, 10


class Asking:
    """The controls, of which a model shows those of the conditions that it knows.

    Args:
        classes: of the first model.
    """

    def __init__(self, page: Page, classes: Sequence[str]) -> None:
        say = self.say = page.say
        several: dict[str, Any] = {"value": [], "multiselect": True, "allow_custom_value": True}
        self.labels = gr.Dropdown(list(classes), **several, **say("labels"))
        self.prompt = gr.Textbox(lines=2, visible=False, **say("prompt"))
        self.tags = gr.Dropdown([], visible=False, **several, **say("tags"))
        self.away = [gr.Textbox(visible=False, **say("not")), gr.Dropdown([], visible=False, **several, **say("not"))]
        self.numbers = gr.CheckboxGroup([], visible=False, **say("numbers"))
        self.sliders = [gr.Slider(visible=False, label="") for _ in range(MOST_NUMBERS)]
        page.on(self.numbers.input, self.show_sliders, self.numbers, self.sliders, show_progress="hidden", queue=False)

    @property
    def controls(self) -> list[Any]:
        """The controls, in the order of the arguments of `asked`."""
        return [self.labels, self.prompt, self.tags, *self.away, self.numbers, *self.sliders]

    def of_model(self, model: Model) -> list[Any]:
        """Updates of the controls for a model, of which nothing is asked yet."""
        plan, tags, numbers = model.plan, tags_of(model.plan), numbers_of(model.plan)
        choices = [(number.name, place) for place, number in enumerate(numbers[:MOST_NUMBERS])]
        words, names = self.show_away(model, plan.sampling.guidance)
        rest = len(numbers) - len(choices)
        info = self.say.text("more_numbers", count=rest) if rest else self.say("numbers")["info"]
        blank = [gr.update(visible=False)] * (MOST_NUMBERS - len(choices))
        return [
            # Beside prompts, classes that nobody can choose would only take room.
            gr.update(
                choices=list(model.classes),
                value=[],
                interactive=bool(model.classes),
                info=self.say.text("any_class") if plan.conditions else self.say("labels")["info"],
                visible=bool(model.classes) or not plan.conditions,
            ),
            gr.update(visible="text" in plan.conditions),
            gr.update(choices=tags, value=[], visible=bool(tags)),
            words,
            names | {"choices": tags or list(model.classes), "value": [], "max_choices": None if tags else 1},
            gr.update(choices=choices, value=[], visible=bool(choices), info=info),
            *map(_range, numbers[:MOST_NUMBERS]),
            *blank,
        ]

    def show_away(self, model: Model, guidance: float | dict[str, float]) -> list[dict[str, Any]]:
        """Show the control for what images do not show, where this guidance leads away from anything."""
        holds, words = accepts(model.plan, guidance=guidance, not_="anything"), model.plan.spoken == "text"
        return [gr.update(visible=holds and words), gr.update(visible=holds and not words)]

    def show_sliders(self, chosen: Collection[int]) -> list[Any]:
        """Show the sliders of the numbers that are asked for."""
        return [gr.update(visible=place in chosen) for place in range(MOST_NUMBERS)]


def asked(
    model: Model,
    labels: Any,
    prompt: str | None,
    tags: Any,
    words: str | None,
    names: Any,
    numbers: Any,
    *values: float,
) -> dict[str, Any]:
    """Return the sampling options for what the controls ask of a model.

    Args:
        words, names: what images do not show.
    """
    plan, wanted = model.plan, {"labels": labels}
    if "text" in plan.conditions:
        wanted["prompt"] = [line for line in (prompt or "").splitlines() if line.strip()]
    if tags_of(plan) and tags:
        wanted["tags"] = [", ".join(tags)]
    wanted["not_"] = (words or "").strip() if plan.spoken == "text" else ", ".join(names)
    of_plan = enumerate(zip(numbers_of(plan), values, strict=False))
    wanted["numbers"] = {number.name: value for place, (number, value) in of_plan if place in numbers}
    return {name: value for name, value in wanted.items() if value}


def tags_of(plan: ModelPlan) -> list[str]:
    """The tags that a model knows."""
    return [tag for one in plan.conditions.values() if isinstance(one, TagsPlan) for tag in one.tags]


def numbers_of(plan: ModelPlan) -> list[NumberPlan]:
    """The numbers that a model knows."""
    return [one for one in plan.conditions.values() if isinstance(one, NumberPlan)]


def _range(number: NumberPlan) -> dict[str, Any]:
    """The update of the slider of a number."""
    span = number.high - number.low
    step = 10.0 ** math.floor(math.log10(span / STEPS or 1))
    if span >= FEW and number.low.is_integer() and number.high.is_integer():  # such as ages, years and counts
        step = max(step, 1.0)
    return gr.update(
        minimum=number.low, maximum=number.high, step=step, value=number.low, label=number.name, visible=False
    )
