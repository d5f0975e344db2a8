"""Training may start from the weights of a model, also of one with other classes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import nevoa
from nevoa.conditions import conditions_of
from nevoa.conditions.text import Text
from nevoa.config.condition import ConditionPlan, NumberPlan, PicturePlan, TagsPlan, TextPlan
from nevoa.data import as_image_set
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.networks import build_network
from nevoa.training import Wish, plan, prepare
from nevoa.training.resume import Planned
from nevoa.training.start import FINE_TUNING, start_weights, starting_from

BOOTS = "Ankle boot", "Clogs", "Sandal"


@pytest.fixture(scope="module")
def packaged() -> Model:
    return replace(nevoa.load(device="cpu"), guide=None)


def labels_of(model: Model, classes: tuple[str, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """The embedding of labels of the model, and that of a network of other classes that starts from it."""
    network: Any = build_network(model.plan.network, model.shape[0], len(classes))
    embedding, _ = network.label_tensors
    return model.network.state_dict()[embedding], start_weights(model, network, classes)[embedding]


def test_a_class_that_the_model_has_keeps_its_embedding_and_a_new_one_is_no_class_yet(packaged: Model) -> None:
    before, after = labels_of(packaged, BOOTS)
    boot, sandal = (packaged.classes.index(name) for name in ("Ankle boot", "Sandal"))
    assert torch.equal(after, torch.stack([before[boot], before[-1], before[sandal], before[-1]]))


def test_without_classes_the_network_predicts_what_the_model_predicts_without_a_class(packaged: Model) -> None:
    network = build_network(packaged.plan.network, packaged.shape[0], 0).eval()
    network.load_state_dict(start_weights(packaged, network, ()))
    x_t, t = torch.randn(2, *packaged.shape, generator=torch.Generator().manual_seed(0)), torch.tensor([1, 900])
    null = torch.full_like(t, len(packaged.classes))
    with torch.no_grad():
        torch.testing.assert_close(network(x_t, t), packaged.network.eval()(x_t, t, null))


def test_another_network_is_refused(packaged: Model) -> None:
    wider = packaged.plan.network.model_copy(update={"dim": 64})
    with pytest.raises(NevoaError, match="leave out the network's own settings"):
        start_weights(packaged, build_network(wider, packaged.shape[0], len(packaged.classes)), packaged.classes)


def test_a_model_decides_network_process_and_size_and_training_goes_slower(packaged: Model) -> None:
    config = nevoa.configure("shapes", steps=1, start=starting_from(packaged))
    assert config.network == packaged.plan.network
    assert config.diffusion.model_dump() == packaged.plan.diffusion.model_dump()
    assert (config.data.size, config.data.channels) == ((28, 28), 1)
    assert config.training.learning_rate == FINE_TUNING["learning_rate"] < nevoa.configure().training.learning_rate


def knowing(model: Model, conditions: Mapping[str, ConditionPlan]) -> Model:
    """The model with a network that knows other conditions besides the classes, and starts from its own."""
    known = model.plan.model_copy(update={"conditions": conditions})
    network = build_network(known.network, model.shape[0], len(model.classes), conditions).eval()
    network.load_state_dict(start_weights(model, network, model.classes, conditions))
    return replace(model, plan=known, network=network)


def embedded(model: Model, name: str, value: object) -> torch.Tensor:
    """What a model adds to the embedding of the timestep for a value of a condition."""
    tensor = conditions_of(model.plan).kinds[name].tensor([value])
    found = model.network.get_submodule(f"time.conditions.{name}")(tensor)
    return found[0] if isinstance(found, tuple) else found


TAGS, AGE = TagsPlan(tags=("hat", "smile", "red")), NumberPlan(name="age", low=10, high=50)
EDGES = PicturePlan(kind="edges", channels=1, height=28, width=28)
KINDS: dict[str, ConditionPlan] = {"text": TextPlan(), "tags": TAGS, "number:age": AGE, "edges": EDGES}


@pytest.fixture(scope="module")
def asked(packaged: Model) -> Model:
    """A model of the same classes that also takes prompts, tags, ages and pictures."""
    return knowing(packaged, KINDS)


def test_conditions_that_a_model_has_stay_as_they_are(asked: Model) -> None:
    """Also with other classes; without a kind, the others stay."""
    network = build_network(asked.plan.network, 1, 0, KINDS)
    network.load_state_dict(start_weights(asked, network, (), KINDS))
    other = replace(asked, network=network)
    for name, value in (("text", "a reddish shirt"), ("tags", ["smile"]), ("number:age", 30.0)):
        assert torch.equal(embedded(asked, name, value), embedded(other, name, value))
        one = knowing(asked, {name: KINDS[name]})
        assert torch.equal(embedded(asked, name, value), embedded(one, name, value))
    with torch.no_grad():
        asked.network.get_parameter("pictures.edges.weight").normal_(std=0.1)
    before, after = (
        one.network.get_parameter("pictures.edges.weight") for one in (asked, knowing(asked, {"edges": EDGES}))
    )
    assert torch.equal(before, after)


def test_a_tag_that_the_model_has_keeps_its_vector_and_a_new_one_starts_at_zero(asked: Model) -> None:
    other = knowing(asked, {"tags": TagsPlan(tags=("red", "coat", "hat"))})
    before, after = (model.network.state_dict()["time.conditions.tags.table"] for model in (asked, other))
    assert torch.equal(after, torch.stack([before[2], torch.zeros_like(before[0]), before[0]]))


def test_a_number_keeps_its_meaning_beyond_the_range_of_the_model(asked: Model) -> None:
    wider = NumberPlan(name="age", low=20, high=80).after(AGE)
    assert (wider.low, wider.high) == (10, 80)
    other = knowing(asked, {"number:age": wider})
    assert torch.equal(embedded(asked, "number:age", 30.0), embedded(other, "number:age", 30.0))
    assert not torch.equal(embedded(other, "number:age", 50.0), embedded(other, "number:age", 80.0))


def test_a_model_of_other_captions_knows_the_words_of_both() -> None:
    old, new = (as_image_set(np.zeros((1, 8, 8), np.uint8), captions=[text]) for text in ("a red hat", "a blue coat"))
    before, after = Text.found(old, ""), Text.found(new, "")
    assert before is not None and after is not None
    larger = before.model_copy(update={"buckets": 8192})
    both = Text(after.after(larger))
    assert [word for word in ("red", "hat", "blue", "coat", "shoe") if both.knows(word)] == [
        "red",
        "hat",
        "blue",
        "coat",
    ]
    assert both.plan.buckets == 8192  # the model has the table


@pytest.mark.parametrize("name", KINDS)
def test_with_a_new_kind_the_network_predicts_what_it_did_where_nothing_is_asked(packaged: Model, name: str) -> None:
    """The rest of the network stays as it was, and so it does if the kind is left out again."""
    model = knowing(packaged, {name: KINDS[name]})
    x_t, t = torch.randn(2, *packaged.shape, generator=torch.Generator().manual_seed(0)), torch.tensor([1, 900])
    labels, nothing = torch.tensor([3, 4]), conditions_of(model.plan).kinds[name].tensor([None, None])
    with torch.no_grad():
        before, after = packaged.network.eval()(x_t, t, labels), model.network(x_t, t, {"class": labels, name: nothing})
    torch.testing.assert_close(before, after, rtol=0, atol=1e-4)
    assert all(
        torch.equal(tensor, model.network.state_dict()[name]) for name, tensor in packaged.network.state_dict().items()
    )
    again = knowing(model, {}).network.state_dict()
    assert again.keys() == packaged.network.state_dict().keys()


def test_a_number_that_a_model_knows_is_learned_further_and_kinds_that_are_lost_are_named(packaged: Model) -> None:
    """The run that starts so is resumed without the model, too."""
    model = knowing(packaged, {"number:age": AGE})
    images = as_image_set(np.zeros((4, 28, 28), np.uint8), numbers={"age": [5, 30, 40, 60]})
    fixed = "batch_size", "preview_steps", *(f"{name}_every_images" for name in ("report", "preview", "checkpoint"))
    options = ["training.compile=false", *(f"training.{name}=1" for name in fixed)]
    config = nevoa.configure("object:images", steps=1, start=starting_from(model), device="cpu", options=options)
    with pytest.warns(
        UserWarning, match="The model to start from knows class, and images says nothing of the kind: the"
    ):
        made = prepare(config, images, Wish(start=model)).plan
    assert made.kinds == ("number:age",)
    assert made.conditions["number:age"] == NumberPlan(name="age", low=5, high=60)
    assert plan(config, images, recorded=Planned(made)).plan.conditions == made.conditions
    with pytest.warns(UserWarning, match="knows class, number:age, and images says nothing"):
        prepare(config, replace(images, numbers={}), Wish(start=model))


class Inner(torch.nn.Module):
    """A network whose parts have other names than nevoa's."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner


def test_tags_of_a_network_with_other_names_stay_or_are_refused(asked: Model) -> None:
    model, conditions = replace(asked, network=Inner(asked.network)), {"tags": TAGS}
    network = Inner(build_network(asked.plan.network, asked.shape[0], len(asked.classes), KINDS))
    found = start_weights(model, network, asked.classes, conditions)
    assert all(torch.equal(tensor, found[name]) for name, tensor in model.network.state_dict().items())
    with pytest.raises(NevoaError, match="Only a model with the same tags"):
        start_weights(model, network, asked.classes, {"tags": TagsPlan(tags=("hat", "scarf", "red"))})


@pytest.mark.parametrize("shape", [(28, 28, 3), (16, 28)])
def test_images_of_other_channels_are_refused_and_another_size_gives_a_warning(
    shape: tuple[int, ...], packaged: Model
) -> None:
    images = as_image_set(np.zeros((4, *shape), np.uint8))
    config = nevoa.configure("object:images", steps=1, start=starting_from(packaged), options=["training.batch_size=1"])
    config, wish = config.updated("training", condition="none", device="cpu", compile=False), Wish(start=packaged)
    if len(shape) == 3:
        with pytest.raises(NevoaError, match="have 3 channels, and the model to start from makes images of 1: leave"):
            prepare(config, images, wish)
        return
    with pytest.warns(UserWarning, match="are 16x28, and the model to start from makes images of 28x28: its network"):
        assert prepare(config, images, wish).start is not None
