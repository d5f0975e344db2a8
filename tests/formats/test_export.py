"""What a format declares that it knows."""

import pytest

from nevoa.config.condition import NumberPlan, PicturePlan, TextPlan
from nevoa.config.registry import EXPORTS
from nevoa.errors import NevoaError
from nevoa.formats import Export
from tests.formats.small_models import FOLDED, small_model

SOLVER = {"sampler": "dpm_solver", "steps": 7, "spacing": "karras"}


@pytest.mark.parametrize(("name", "knows"), [("web", True), ("diffusers", False), ("onnx", True)])
def test_a_model_that_takes_prompts_is_refused_where_nobody_could_give_any(name: str, knows: bool) -> None:
    model = small_model(FOLDED, conditions={"text": TextPlan().model_dump()}, sampling=SOLVER)
    if knows:
        EXPORTS[name].check(model, model.settings())
        return
    with pytest.raises(
        NevoaError, match=r"which this model was trained with: it knows classes\. Export this model --to onnx or web\.$"
    ):
        EXPORTS[name].check(model, model.settings())


def test_a_model_that_takes_pictures_is_refused_where_nobody_could_give_any() -> None:
    gray = PicturePlan(kind="gray", channels=3, height=16, width=16).model_dump()
    model = small_model(FOLDED, conditions={"gray": gray}, sampling=SOLVER)
    with pytest.raises(
        NevoaError, match=r"cannot be asked for gray, .* knows classes\. Export this model --to onnx or web\.$"
    ):
        EXPORTS["diffusers"].check(model, model.settings())


def test_a_kind_of_condition_that_a_format_does_not_know_is_refused() -> None:
    age = NumberPlan(name="age", low=0, high=90).model_dump()
    model, format_ = (
        small_model(FOLDED, conditions={"number:age": age}),
        Export(lambda *_: "", (".x",), "X", conditions=("text", "tags")),
    )
    with pytest.raises(
        NevoaError,
        match=r"X cannot be asked for number.*: it knows classes, text and tags\. Export this model --to onnx or web",
    ):
        format_.check(model, model.settings())
