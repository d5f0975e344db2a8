"""What a model can be asked for is on the page, and what is asked there reaches the model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from nevoa.config import NumberPlan, TagsPlan, TextPlan
from nevoa.model import Model
from nevoa.studio.asking import MOST_NUMBERS, Asking, asked
from nevoa.studio.controls import Page
from nevoa.studio.page import page
from nevoa.studio.texts import texts
from nevoa.studio.weights import MOST_KINDS
from nevoa.studio.workspace import Workspace
from tests.formats.small_models import CLASSES, small_model
from tests.formats.small_run import run_of

TAGS = TagsPlan(tags=("smile", "red hat", "outdoors"))
AGE, LEVEL = NumberPlan(name="age", low=0, high=90), NumberPlan(name="level", low=-0.5, high=0.5)
NOTHING = [[], "", [], "", [], []]


def conditions(*numbers: NumberPlan) -> dict[str, Any]:
    """Tags and numbers, as a plan has them."""
    plans = {"tags": TAGS, **{f"number:{one.name}": one for one in numbers}}
    return {name: plan.model_dump() for name, plan in plans.items()}


@pytest.fixture(scope="module")
def model() -> Model:
    """One that knows tags and two numbers."""
    return small_model(conditions=conditions(AGE, LEVEL))


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    with gr.Blocks() as blocks:
        return Asking(Page(blocks, Workspace(tmp_path), texts("en")), ())


def test_a_model_shows_what_it_knows_and_nothing_else(asking: Asking, model: Model) -> None:
    labels, prompt, tags, _, _, numbers, *sliders = asking.of_model(model)
    assert [one["visible"] for one in (labels, prompt, tags, numbers)] == [False, False, True, True]
    assert (tags["choices"], tags["value"]) == (["smile", "red hat", "outdoors"], [])
    assert [name for name, _ in numbers["choices"]] == ["age", "level"]
    assert [(one["label"], one["minimum"], one["maximum"]) for one in sliders[:2]] == [
        ("age", 0, 90),
        ("level", -0.5, 0.5),
    ]
    assert not any(one["visible"] for one in sliders)
    of_classes = asking.of_model(small_model(classes=CLASSES))
    assert [one["visible"] for one in of_classes] == [True] + [False] * (5 + MOST_NUMBERS)
    assert len(of_classes) == len(asking.controls)


def test_a_slider_is_there_while_its_number_is_ticked(asking: Asking, model: Model) -> None:
    _, _, _, _, _, numbers, *_ = asking.of_model(model)
    places = dict(numbers["choices"])
    shown = asking.show_sliders([places["level"]])
    assert [one["visible"] for one in shown] == [False, True] + [False] * (MOST_NUMBERS - 2)


@pytest.mark.parametrize(("low", "high"), [(0, 90), (1950, 2026), (0, 1), (-3e-7, 5e-7), (0, 3e9), (-0.99, 0.123)])
def test_a_slider_has_fifty_steps_or_more_of_round_size(asking: Asking, low: float, high: float) -> None:
    number = NumberPlan(name="x", low=low, high=high)
    slider = asking.of_model(small_model(conditions=conditions(number)))[6]
    assert 50 <= (high - low) / slider["step"] < 500
    assert f"{slider['step']:.0e}".startswith("1e")
    assert slider["value"] == low


@pytest.mark.parametrize(("low", "high", "step"), [(18, 35, 1), (0, 5, 0.1), (0.5, 20, 0.1), (0, 20_000, 100)])
def test_a_slider_between_whole_numbers_takes_whole_steps(asking: Asking, low: float, high: float, step: float) -> None:
    slider = asking.of_model(small_model(conditions=conditions(NumberPlan(name="x", low=low, high=high))))[6]
    assert slider["step"] == step


def test_a_number_that_is_the_same_in_all_images_has_a_slider(asking: Asking) -> None:
    slider = asking.of_model(small_model(conditions=conditions(NumberPlan(name="x", low=3, high=3))))[6]
    assert (slider["minimum"], slider["maximum"], slider["step"]) == (3, 3, 1)


def test_numbers_without_a_slider_are_mentioned(asking: Asking) -> None:
    several = [NumberPlan(name=f"n{place}", low=0, high=1) for place in range(MOST_NUMBERS + 2)]
    updates = asking.of_model(small_model(conditions=conditions(*several)))
    assert len(updates) == len(asking.controls)
    assert len(updates[5]["choices"]) == MOST_NUMBERS
    assert updates[5]["info"] == "These, and 2 more with nevoa sample --number."
    assert "more" not in asking.of_model(small_model(conditions=conditions(AGE)))[5]["info"]


def test_only_what_is_chosen_is_asked(model: Model) -> None:
    assert asked(model, *NOTHING, 30, 0.25) == {}
    assert asked(model, [], "a cat", ["red hat", "smile"], "a dog", [], [0], 30, 0.25) == {
        "tags": ["red hat, smile"],
        "numbers": {"age": 30},
    }
    assert asked(model, [], None, [], None, [], [0, 1], 0, 0) == {"numbers": {"age": 0, "level": 0}}
    assert asked(small_model(classes=CLASSES), ["cat"], "a cat", ["red hat"], "", [], [0], 30) == {"labels": ["cat"]}


@pytest.mark.parametrize(
    ("known", "shown", "names"),
    [
        ({"conditions": {"text": TextPlan().model_dump(), "tags": TAGS.model_dump()}}, [True, False], []),
        ({"conditions": conditions(AGE), "classes": CLASSES}, [False, True], TAGS.tags),
        ({"classes": CLASSES}, [False, True], CLASSES),
        ({"conditions": {"number:age": AGE.model_dump()}}, [False, False], []),
        ({}, [False, False], []),
    ],
)
def test_what_images_do_not_show_is_a_text_or_a_name_if_the_guidance_is_above_1(
    known: dict[str, Any], shown: list[bool], names: Sequence[str], asking: Asking
) -> None:
    model = small_model(**known)
    _, _, _, words, choice, *_ = asking.of_model(model)
    assert [words["visible"], choice["visible"]] == [False, False]
    words, choice = asking.show_away(model, 1.5)
    assert [words["visible"], choice["visible"]] == shown
    *_, choice = asking.of_model(small_model(**known, sampling={"guidance": 2.0} if any(shown) else {}))[:5]
    assert choice["visible"] == shown[1]
    assert not shown[1] or choice["choices"] == [*names]


def test_what_images_do_not_show_is_asked_in_words_or_by_names(model: Model) -> None:
    of_text = small_model(conditions={"text": TextPlan().model_dump()})
    assert asked(of_text, [], "", [], " a dog ", ["smile"], []) == {"not_": "a dog"}
    assert asked(model, [], "", [], "a dog", ["smile", "red hat"], []) == {"not_": "smile, red hat"}


@pytest.mark.slow
def test_the_button_makes_what_is_asked(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    workspace.served.mkdir(parents=True)
    run = run_of(workspace.runs / "told", classes=(), conditions=conditions(AGE, LEVEL), sampling={"steps": 3})
    [make] = [event for event in page(workspace, "en").fns.values() if event.api_name == "make"]
    own = [1.5, 2.5, *[1.0] * (MOST_KINDS - 2)]
    wanted = [[], "", ["red hat"], "", ["smile"], [1], 30, -0.5, *[0] * (MOST_NUMBERS - 2)]
    assert make.fn
    *_, last = make.fn("told", 2, 7, "", 0, 1.0, "new", None, None, 0.6, None, None, 2.0, [], *own, *wanted)
    [made] = [value for value in last.values() if hasattr(value, "states")]
    by_hand = run.model("cpu").sample(2, 7, tags="red hat", numbers={"level": -0.5}, not_="smile", guidance=2.0)
    np.testing.assert_array_equal(made.states[-1], by_hand)
    assert made.classes == ["red hat"]
    *_, last = make.fn("told", 2, 7, "", 0, 1.0, "new", None, None, 0.6, None, None, 1.0, [1], *own, *wanted)
    [made] = [value for value in last.values() if hasattr(value, "states")]
    options = {
        "tags": "red hat",
        "numbers": {"level": -0.5},
        "guidance": {"tags": 1.0, "number:age": 2.5, "number:level": 1.0},
    }
    by_hand = run.model("cpu").sample(2, 7, **options)
    np.testing.assert_array_equal(made.states[-1], by_hand)
