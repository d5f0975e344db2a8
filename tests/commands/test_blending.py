"""Images that lead from one prompt to another begin and end with those of the prompts alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nevoa import model as models
from nevoa.commands.blending import blending
from nevoa.config.condition import NumberPlan, TagsPlan, TextPlan
from nevoa.errors import NevoaError
from nevoa.model import Model
from tests.formats.small_models import CLASSES, small_model

ENDS = "a red cat", "um gato azul"
pytestmark = pytest.mark.filterwarnings("ignore:No caption that the model has learned from")


def model_of(*conditions: Any, classes: tuple[str, ...] = CLASSES) -> Model:
    named = {f"number:{one.name}" if one.kind == "number" else one.kind: one.model_dump() for one in conditions}
    sampling = {"sampler": "dpm_solver", "steps": 3}
    return small_model(shape=(3, 8, 8), classes=classes, conditions=named, sampling=sampling)


@pytest.fixture
def model() -> Model:
    return model_of(TextPlan())


@pytest.mark.parametrize("options", [{}, {"guidance": 2.5}, {"sampler": "ddpm", "steps": 4, "labels": "dog"}])
def test_the_ends_are_the_images_of_the_prompts_alone(model: Model, options: dict[str, Any]) -> None:
    """Out of the noise of image 0, also where the sampler adds fresh noise."""
    made = blending(model, *ENDS, frames=4).sample(4, seed=3, **options)
    for frame, prompt in zip((made[0], made[-1]), ENDS, strict=True):
        np.testing.assert_array_equal(frame, model.sample(1, seed=3, prompt=prompt, **options)[0])
    far = [abs(made[n + 1].astype(int) - made[n]).mean() for n in range(3)]
    assert all(far) and max(far) < abs(made[-1].astype(int) - made[0]).mean()


def test_frames_are_the_same_in_batches_of_any_size(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    blend = blending(model, *ENDS, frames=5)
    whole = blend.sample(5)
    monkeypatch.setattr(models, "IMAGES_AT_ONCE", 2)
    np.testing.assert_array_equal(blend.sample(5), whole)
    np.testing.assert_array_equal(blend.sample(3), whole[:3])


def test_a_model_without_prompts_blends_tags_and_one_without_tags_classes() -> None:
    hats, none = model_of(TagsPlan(tags=("hat", "smile"))), model_of()
    ends = blending(hats, ["hat", "smile"], "smile", frames=2).sample(2)
    for frame, tags in zip(ends, ("hat, smile", "smile"), strict=True):
        np.testing.assert_array_equal(frame, hats.sample(1, tags=tags)[0])
    ends = blending(none, "cat", 1, frames=2).sample(2)
    np.testing.assert_array_equal(ends[1], none.sample(1, labels="dog")[0])
    always = replace(none, plan=none.plan.model_copy(update={"null_label": False}))
    np.testing.assert_array_equal(blending(always, "cat", 1, frames=2).sample(2), ends)


def test_what_cannot_be_blended_is_refused(model: Model) -> None:
    with pytest.raises(NevoaError, match="frames must be a whole number from 2"):
        blending(model, *ENDS, frames=1)
    with pytest.raises(NevoaError, match="This blending has 9 frames, and you asked for 10 images: pass frames=10"):
        blending(model, *ENDS).sample(10)
    with pytest.raises(NevoaError, match="A blend has a text at each end: leave out the third"):
        blending(model, *ENDS).sample(9, condition={"text": "a dog"})
    with pytest.raises(NevoaError, match="A prompt must be a text"):
        blending(model, "a red cat", 3)
    with pytest.raises(NevoaError, match="two prompts, lists of tags or classes, and this model knows number:age"):
        blending(model_of(NumberPlan(name="age", low=0, high=1), classes=()), "a", "b")
    with pytest.raises(NevoaError, match="this model knows no conditions"):
        blending(model_of(classes=()), "a", "b")
    with pytest.raises(NevoaError, match=r"few large steps.*: use its teacher, runs/teacher"):
        blending(replace(model, plan=model.plan.model_copy(update={"distilled_from": "runs/teacher"})), *ENDS)
