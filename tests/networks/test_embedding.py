"""The embedding of timesteps and labels."""

import pytest
import torch

from nevoa.config.condition import NumberPlan
from nevoa.errors import NevoaError
from nevoa.networks import ResidualUNet, UNet
from nevoa.networks.embedding import sinusoidal
from tests.networks.small_networks import CLASSES, CONDITIONAL, SMALL, awake, inputs


def test_sinusoids_are_their_formula() -> None:
    t, width = torch.tensor([1, 500, 1000]), 8
    embedded = sinusoidal(t, width).double()
    for row, time in zip(embedded, t.tolist(), strict=True):
        angles = torch.tensor([time * 10_000 ** (-i / (width / 2 - 1)) for i in range(width // 2)], dtype=torch.float64)
        torch.testing.assert_close(row, torch.cat([angles.sin(), angles.cos()]), rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("classes", [0, CLASSES])
def test_classes_add_a_table_and_change_nothing_else(classes: int) -> None:
    """The keys of an unconditional network are those of one that never heard of classes."""
    for kind in (UNet, ResidualUNet):
        plain, network = kind(3, dim=8), kind(3, dim=8, classes=classes)
        expected, found = plain.state_dict(), network.state_dict()
        assert not [name for name in expected if "label" in name]
        if classes:
            assert found.pop("time.labels.weight").shape == (classes + 1, 32)
        assert {name: value.shape for name, value in found.items()} == {
            name: value.shape for name, value in expected.items()
        }


@pytest.mark.numerical
@pytest.mark.parametrize("name", CONDITIONAL)
def test_the_label_matters_and_none_is_the_null_label(name: str) -> None:
    network, (x, t) = awake(name), inputs()
    outputs = [network(x, t, torch.full_like(t, label)) for label in range(CLASSES + 1)]
    for label in range(CLASSES):
        assert (outputs[label] - outputs[label + 1]).abs().max() > 1e-4
    assert torch.equal(network(x, t), outputs[CLASSES])
    mixed = network(x, t, torch.tensor([2, 0]))
    torch.testing.assert_close(mixed, torch.stack([outputs[2][0], outputs[0][1]]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CONDITIONAL)
def test_each_used_label_gets_a_gradient_and_no_other(name: str) -> None:
    network, (x, t) = awake(name), inputs(3)
    network(x, t, torch.tensor([1, CLASSES, 1])).square().mean().backward()
    gradient = network.get_parameter("time.labels.weight").grad
    assert gradient is not None
    assert gradient.any(1).tolist() == [False, True, False, False, True]


@pytest.mark.parametrize("name", SMALL)
def test_a_label_for_a_network_without_classes_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="takes no labels"):
        SMALL[name]()(*inputs(), torch.tensor([0, 0]))


@pytest.mark.parametrize("kind", [UNet, ResidualUNet])
def test_a_condition_named_as_a_method_of_a_module_is_refused(kind: type[UNet | ResidualUNet]) -> None:
    """A plugin may give it any name."""
    with pytest.raises(NevoaError, match=r"cannot be named .keys., because .*: choose another\."):
        kind(3, dim=8, conditions={"keys": NumberPlan(name="keys", low=0, high=1)})
