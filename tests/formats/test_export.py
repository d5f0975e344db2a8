"""What a format declares that it knows."""

import pytest

from nevoa.config.condition import TextPlan
from nevoa.config.registry import EXPORTS
from nevoa.errors import NevoaError
from tests.formats.small_models import FOLDED, small_model

SOLVER = {"sampler": "dpm_solver", "steps": 7, "spacing": "karras"}


@pytest.mark.parametrize(("name", "knows"), [("web", True), ("diffusers", False), ("onnx", True)])
def test_a_model_that_takes_prompts_is_refused_where_nobody_could_give_any(name: str, knows: bool) -> None:
    model = small_model(FOLDED, conditions={"text": TextPlan().model_dump()}, sampling=SOLVER)
    if knows:
        EXPORTS[name].check(model, model.settings())
        return
    with pytest.raises(
        NevoaError, match="cannot be asked for text, which this model was trained with: it knows classes"
    ):
        EXPORTS[name].check(model, model.settings())
