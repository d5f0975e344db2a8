"""Training may start from the weights of a model, also of one with other classes."""

from dataclasses import replace
from typing import Any

import pytest
import torch

import nevoa
from nevoa.conditions.text import Text
from nevoa.config.condition import TextPlan
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.networks import build_network
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


@pytest.fixture
def texted(packaged: Model) -> Model:
    """A model of the same classes that also takes prompts."""
    conditions = {"text": TextPlan()}
    plan = packaged.plan.model_copy(update={"conditions": conditions})
    network = build_network(plan.network, packaged.shape[0], len(packaged.classes), conditions)
    network.load_state_dict(start_weights(replace(packaged, guide=None), network, packaged.classes))
    return replace(packaged, plan=plan, network=network, guide=None)


def test_prompts_that_a_model_has_stay_and_new_words_start_near_their_relatives(texted: Model) -> None:
    network = build_network(texted.plan.network, 1, 0, texted.plan.conditions)
    network.load_state_dict(start_weights(texted, network, ()))
    before, after = (net.get_submodule("time.conditions.text") for net in (texted.network, network))
    prompts = Text(TextPlan()).tensor(["a red shirt", "reddish"])
    assert torch.equal(before(prompts), after(prompts))


def test_a_kind_that_a_model_has_not_starts_at_random_and_one_that_the_data_have_not_is_left_out(
    packaged: Model, texted: Model
) -> None:
    """The rest of the network stays as it was."""
    plain = build_network(packaged.plan.network, 1, len(packaged.classes))
    plain.load_state_dict(start_weights(texted, plain, packaged.classes))
    own = packaged.network.state_dict()
    for network in (plain, texted.network):
        kept = {name: tensor for name, tensor in network.state_dict().items() if "conditions" not in name}
        assert kept.keys() == own.keys() and all(torch.equal(kept[name], own[name]) for name in own)
