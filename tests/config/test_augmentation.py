"""How a user asks for augmentation."""

from typing import Any

import pytest

from nevoa.config import DataConfig, Plan, parse
from nevoa.config.augmentation import CONDITIONED, NUMBERS, STRONG, USUAL
from nevoa.config.presets import configure
from nevoa.config.toml import read_toml, to_toml
from nevoa.errors import NevoaError
from tests.config.test_plan import plan as plan  # a fixture


def asked(augment: Any) -> Any:
    return configure("shapes", steps=1, augment=augment).data.augment


@pytest.mark.parametrize(
    ("augment", "chances"),
    [
        ("auto", "auto"),
        ("none", {}),
        ("flip", {"flip": 0.5}),
        ("strong", dict.fromkeys(CONDITIONED, STRONG)),
        (0.3, dict.fromkeys(CONDITIONED, 0.3)),
        (("0.3",), dict.fromkeys(CONDITIONED, 0.3)),
        (["shift", "flip"], {"flip": 0.5, "shift": USUAL}),
        ("shift,flip", {"flip": 0.5, "shift": USUAL}),
        ({"rotate": 0.1, "mirror": 1}, {"mirror": 1, "rotate": 0.1}),
    ],
)
def test_all_ways_to_ask_say_the_chance_of_each(augment: Any, chances: Any) -> None:
    found = asked(augment)
    assert found == chances
    assert [*found] == [name for name in NUMBERS if name in found] or found == "auto"


@pytest.mark.parametrize("augment", [0, 1.5, "0", True, ("auto", "flip"), ("strong", "0.3"), ("none", "none"), 1j])
def test_what_is_no_augmentation_is_an_error(augment: Any) -> None:
    with pytest.raises(NevoaError, match=r"data.augment: Input should be auto, none, strong or a chance above 0"):
        asked(augment)


def test_an_unknown_name_is_an_error_that_names_the_nearest() -> None:
    for augment in ("rotat", ["flip", "rotat"], {"rotat": 0.1}):
        with pytest.raises(
            NevoaError, match=r"There is no transformation 'rotat'. Did you mean 'rotate'\? Known: auto,"
        ):
            asked(augment)
    with pytest.raises(NevoaError, match=r"data.augment.scale: Input should be less than or equal to 1"):
        asked({"scale": 3})


def test_of_flip_and_augment_the_later_layer_wins() -> None:
    assert configure("shapes", "photos", steps=1, options=["data.flip=false"]).data.augment == {}
    strong = configure("shapes", steps=1, options=["data.flip=true"], augment="strong").data.augment
    assert strong == dict.fromkeys(CONDITIONED, STRONG)


@pytest.mark.parametrize(("flip", "augment"), [(True, {"flip": 0.5}), (False, {}), (None, "auto")])
def test_flip_of_older_configs_is_read(flip: bool | None, augment: Any) -> None:
    assert parse({"flip": flip}, DataConfig).augment == augment
    with pytest.raises(NevoaError, match=r"There is no config key 'data.flip'"):
        configure("shapes", steps=1, options=["data.flip=maybe"])


def test_a_plan_keeps_its_augmentation(plan: Plan, tmp_path) -> None:
    augmented = plan.model_copy(update={"data": parse({**plan.data.model_dump(), "augment": 0.2}, type(plan.data))})
    (tmp_path / "plan.toml").write_text(to_toml(augmented))
    assert read_toml(tmp_path / "plan.toml", Plan) == augmented
    assert [*augmented.learned] == [*plan.conditions, "augmentation"]
    assert augmented.kinds == plan.kinds


def test_a_distillation_learns_no_augmentation() -> None:
    options = ["training.objective=path", "training.start=x", "diffusion.prediction=flow"]
    with pytest.raises(NevoaError, match="a distillation learns images of its teacher"):
        configure("shapes", "classic", steps=1, augment="strong", options=options)
