"""Several kinds of condition together."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from nevoa.conditions import conditions_of
from nevoa.config import Config
from nevoa.config.condition import NumberPlan, TagsPlan, TextPlan
from nevoa.data import as_image_set
from nevoa.errors import NevoaError
from nevoa.networks import null_condition
from tests.small_runs import model_plan

TEXT = {"text": TextPlan()}


def test_a_network_of_classes_alone_gets_labels_and_others_get_tensors_by_name() -> None:
    labels = conditions_of(model_plan(Config(), classes=("cat", "dog"))).of({"class": [1, None]}, 2)
    assert isinstance(labels, torch.Tensor)
    assert labels.tolist() == [1, 2]
    both = conditions_of(model_plan(Config(), classes=("cat", "dog"), conditions=TEXT)).of({"class": [1, None]}, 2)
    assert isinstance(both, Mapping)
    assert both["class"].tolist() == [1, 2]
    assert both["text"].any() == torch.tensor(False)
    assert not conditions_of(model_plan(Config()))


@pytest.mark.parametrize("classes", [(), ("cat", "dog")])
@pytest.mark.parametrize("others", [{}, TEXT])
def test_what_is_not_asked_is_the_null_condition(classes: tuple[str, ...], others: dict[str, TextPlan]) -> None:
    conditions = conditions_of(model_plan(Config(), classes=classes, conditions=others))
    expected = null_condition(len(classes), others, 3)
    if not conditions:
        assert expected is None
        return
    torch.testing.assert_close(conditions.of({}, 3), expected)


def test_each_kind_is_withheld_by_itself() -> None:
    images = as_image_set(np.zeros((2, 8, 8, 1), np.uint8), labels=["cat", "dog"], captions=["a cat", "a dog"])
    conditions = conditions_of(model_plan(Config(), classes=("cat", "dog"), conditions=TEXT))
    chance = {"class": np.zeros(2), "text": np.zeros(2)}
    dropped = {"class": np.array([True, False]), "text": np.array([False, True])}
    found = conditions.in_data(images, np.array([0, 1]), chance, dropped)
    torch.testing.assert_close(found, conditions.of({"class": [None, 1], "text": ["a cat", None]}, 2))


def test_a_model_is_not_asked_for_what_it_does_not_know() -> None:
    conditions = conditions_of(model_plan(Config(), classes=("cat", "dog")))
    with pytest.raises(
        NevoaError, match=r"^This model knows classes: it cannot be asked for prompts\. Leave that out,"
    ):
        conditions.asked("text", "a cat")
    with pytest.raises(NevoaError, match=r"or use a model that was trained with --condition number:age\.$"):
        conditions.asked("number:age", 30)
    with pytest.raises(NevoaError, match="knows no conditions"):
        conditions_of(model_plan(Config())).asked("text", "a cat")
    with pytest.raises(NevoaError, match="no prompts to ask for"):
        conditions_of(model_plan(Config(), conditions=TEXT)).asked("text", [])


def test_images_without_captions_and_numbers_say_nothing() -> None:
    """Such as those that were held out of a folder where few have any."""
    known = {"text": TextPlan(), "tags": TagsPlan(tags=("hat",)), "number:age": NumberPlan(name="age", low=0, high=9)}
    conditions = conditions_of(model_plan(Config(), conditions=known))
    images = as_image_set(np.zeros((2, 8, 8, 1), np.uint8))
    chance = {name: np.full(2, 0.5) for name in known}
    found = conditions.in_data(images, np.array([0, 1]), chance, {name: np.zeros(2, bool) for name in known})
    torch.testing.assert_close(found, conditions.of({}, 2), equal_nan=True)
