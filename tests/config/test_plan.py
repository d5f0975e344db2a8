"""A plan is decided: it has no open value, does not change, and comes back from its file as it was."""

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import ValidationError

from nevoa.conditions.text import Text
from nevoa.config import Config, DiffusionConfig, DiffusionPlan, ModelPlan, Plan, parse
from nevoa.config.plan import Difference, difference
from nevoa.config.sections import changes, flat
from nevoa.config.toml import read_toml, to_toml
from nevoa.data import ImageSet, as_image_set
from nevoa.errors import NevoaError
from tests.small_runs import planned

# What may be absent although it is decided: there are no minutes, no patience, no teacher, no choice of images.
ABSENT = {
    *("distilled_from", "data.only", "data.limit", "data.min_size", "data.size", "data.channels"),
    *("data.caption_column", "training.minutes", "training.gradient_clip", "training.start", "training.patience"),
    "training.lora",
}


@pytest.fixture
def plan(tiny: Config, few_images: ImageSet) -> Plan:
    return planned(tiny.updated("training", device="auto", precision="auto", batch_size="auto"), few_images)


def with_value(plan: Plan, key: str, value: object) -> dict[str, Any]:
    """The tables of a plan with another value."""
    tables, (section, name) = plan.model_dump(), key.split(".")
    return {**tables, section: {**tables[section], name: value}}


def test_nothing_is_left_open(plan: Plan) -> None:
    values = flat(plan)
    assert "auto" not in values.values()
    assert {key for key, value in values.items() if value is None} <= ABSENT


@pytest.mark.parametrize("prediction", ["auto", "x0"])
def test_a_section_as_it_was_asked_is_no_part_of_a_plan(plan: Plan, prediction: Literal["auto", "x0"]) -> None:
    """Nor does an open value come in with it."""
    tables = plan.model_dump() | {"diffusion": DiffusionConfig(prediction=prediction)}
    if prediction == "auto":
        with pytest.raises(NevoaError, match=r"diffusion\.prediction"):
            parse(tables, Plan)
    else:
        assert type(parse(tables, Plan).diffusion) is DiffusionPlan


@pytest.mark.parametrize(
    "key",
    [
        *("data.holdout", "network.dim", "training.batch_size"),
        *("training.device", "training.precision", "training.images"),
    ],
)
def test_auto_is_no_decision(plan: Plan, key: str) -> None:
    with pytest.raises(NevoaError):
        parse(with_value(plan, key, "auto"), Plan)


@pytest.mark.parametrize(
    "key",
    [
        *("data.augment", "data.images", "data.fingerprint", "training.images", "training.batch_size"),
        *("training.device", "training.precision", "training.threads", "training.compile"),
        *("training.report_every_images", "training.preview_every_images", "training.preview_steps"),
        "training.checkpoint_every_images",
    ],
)
def test_not_set_is_no_decision(plan: Plan, key: str) -> None:
    with pytest.raises(NevoaError):
        parse(with_value(plan, key, None), Plan)


def test_a_plan_does_not_change(plan: Plan) -> None:
    with pytest.raises(ValidationError):
        plan.training.batch_size = 9  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValidationError):
        plan.classes = ("a",)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("training.learning_rate", 0.1), ("training.minutes", 2.5), ("training.gradient_clip", 1.0)),
        *(("data.only", ("a", "b")), ("data.size", (8, 16)), ("training.start", "runs/a b")),
    ],
)
def test_a_plan_comes_back_from_its_file(plan: Plan, tmp_path: Path, key: str, value: object) -> None:
    file, plan = tmp_path / "plan.toml", parse(with_value(plan, key, value), Plan)
    file.write_text(to_toml(plan))
    assert read_toml(file, Plan) == plan


def test_a_plan_whose_values_do_not_fit_together_is_refused(plan: Plan) -> None:
    with pytest.raises(NevoaError, match=r"preview_steps must be at most diffusion\.timesteps, 20"):
        parse(with_value(plan, "training.preview_steps", 21), Plan)
    with pytest.raises(NevoaError, match="two classes have the name 'a'"):
        parse({**plan.model_dump(), "classes": ("a", "b", "a")}, Plan)


def test_guidance_needs_a_model_that_was_also_trained_without_classes(plan: Plan) -> None:
    found = [
        plan.model_copy(update={"classes": classes, "null_label": null_label}).works_without_condition
        for classes in ((), ("a", "b"))
        for null_label in (True, False)
    ]
    assert found == [True, True, True, False]


def test_a_model_needs_no_training_and_no_facts_of_the_images(plan: Plan) -> None:
    tables = plan.model_dump(exclude={"training": True, "data": {"images", "fingerprint", "division"}})
    assert flat(parse(tables, ModelPlan)).items() <= flat(plan).items()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("training.minutes", "training.images", "training.preview_steps", "training.weigh_guide"), "budget"),
        (("training.device", "training.precision", "training.threads", "training.compile"), "place"),
        (("training.learning_rate", "training.batch_size", "data.fingerprint", "data.source"), "accepted"),
        (("classes", "network.dim", "diffusion.schedule", "training.seed", "training.optimizer"), "never"),
    ],
    ids=["budget", "place", "accepted", "never"],
)
def test_how_a_plan_may_differ_from_that_of_the_run_it_resumes(keys: tuple[str, ...], expected: Difference) -> None:
    assert [difference(key) for key in keys] == [expected] * len(keys)


def test_every_key_that_the_rules_name_is_one_of_a_plan(plan: Plan) -> None:
    """A key that was renamed would fall to the rule for all others."""
    rules: dict[Difference, int] = {}
    for key in flat(plan):
        rules[difference(key)] = rules.get(difference(key), 0) + 1
    network, process = len(plan.network.model_dump()), len(plan.diffusion.model_dump())
    assert (rules["budget"], rules["place"], rules["never"]) == (8, 4, 5 + network + process)


def test_a_difference_names_the_words_of_captions_by_their_beginning(plan: Plan) -> None:
    words = [f"word{number}" for number in range(1000)]
    told = (Text.found(as_image_set(np.zeros((1, 8, 8), np.uint8), captions=[words[:n]]), None) for n in (500, 999))
    one, other = (plan.model_copy(update={"conditions": {"text": text}}) for text in told)
    (sentence,) = changes(one, other).values()
    assert re.fullmatch(r"conditions\.text: was seen=[\w+/]{8}…, now seen=[\w+/]{8}…", sentence)
