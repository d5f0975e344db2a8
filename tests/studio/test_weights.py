"""One guidance for all that is asked, or one for each kind."""

from pathlib import Path

import gradio as gr
import pytest

from nevoa.sampling import settings_of
from nevoa.studio.controls import Page
from nevoa.studio.texts import texts
from nevoa.studio.weights import MOST_KINDS, Weights, weights_of
from nevoa.studio.workspace import Workspace
from tests.formats.small_models import CLASSES, small_model
from tests.studio.test_asking import AGE, conditions

KINDS = "class", "tags", "number:age"


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    with gr.Blocks() as blocks:
        return Weights(Page(blocks, Workspace(tmp_path), texts("en")), 1.0)


def test_a_model_of_several_kinds_can_weigh_each(weights: Weights) -> None:
    model = small_model(classes=CLASSES, conditions=conditions(AGE), sampling={"guidance": 2.5})
    guidance, kinds, *sliders = weights.of_model(model)
    assert (guidance["value"], kinds["visible"], kinds["value"]) == (2.5, True, [])
    assert kinds["choices"] == [("class", 0), ("tags", 1), ("number:age", 2)]
    assert [(one["label"], one["value"]) for one in sliders[:3]] == [(kind, 2.5) for kind in KINDS]
    assert not any(one["visible"] for one in sliders)
    assert [one["visible"] for one in weights.show_sliders([1])] == [False, True] + [False] * (MOST_KINDS - 2)


def test_a_model_of_a_large_guidance_keeps_it(weights: Weights) -> None:
    """Gradio refuses a value above the end of its slider, also of one that is hidden."""
    guidance, _, *sliders = weights.of_model(small_model(classes=CLASSES, sampling={"guidance": 12.0}))
    assert all((one["value"], one["maximum"]) == (12.0, 12.0) for one in (guidance, *sliders))


def test_a_model_of_one_kind_has_one_guidance(weights: Weights) -> None:
    for model in (small_model(classes=CLASSES), small_model()):
        assert not weights.of_model(model)[1]["visible"]


def test_a_kind_that_is_not_ticked_keeps_the_guidance_of_all() -> None:
    plan = small_model(classes=CLASSES, conditions=conditions(AGE)).plan
    values = [4.0, 5.0, 6.0]
    assert weights_of(plan, 2.0, [], *values) == 2.0
    found = weights_of(plan, 2.0, [1], *values)
    assert found == {"class": 2.0, "tags": 5.0, "number:age": 2.0}
    assert settings_of(plan, guidance=found).guidance == found
    assert settings_of(plan, guidance=weights_of(plan, 4.0, [0], *values)).guidance == 4.0
