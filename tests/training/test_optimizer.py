"""Which weights Muon takes, and what its step is."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from nevoa.config import TextPlan
from nevoa.config.registry import register
from nevoa.errors import NevoaError
from nevoa.networks import CrossAttention, ResidualUNet, UNet
from nevoa.training.optimizer import MUON_RATE, Adam, AdamW, Muon, kept_by, make_optimizers, muon_parameters
from tests.training.test_learning_rate import PLAN

CONFIG = PLAN.model_copy(update={"optimizer": "muon", "learning_rate": 1e-2})


@pytest.mark.parametrize(
    "make",
    [
        lambda: UNet(channels=3, dim=12),
        lambda: UNet(channels=3, dim=12, block="resnet", classes=3),
        lambda: ResidualUNet(
            3, dim=8, multipliers=(1, 2), blocks=1, attention=(False, True), patch=2, adaptive=True, classes=3
        ),
    ],
)
def test_muon_takes_all_kernels_but_the_first_and_the_last(make: Callable[[], nn.Module]) -> None:
    """Runs of before are resumed: these are the names that were looked at then, in the same order."""
    network = make()
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    expected = [
        name
        for name, parameter in network.named_parameters()
        if parameter.ndim == 4 and not name.startswith(("stem.", "out."))
    ]
    muon, adam = make_optimizers(network, CONFIG)
    found = [[names[id(parameter)] for parameter in each.param_groups[0]["params"]] for each in (muon, adam)]
    assert found == [expected, [name for name in names.values() if name not in expected]]
    assert isinstance(muon, Muon)
    assert [each.param_groups[0]["scale"] for each in (muon, adam)] == [MUON_RATE, 1.0]


def test_muon_takes_the_matrices_that_read_a_prompt_but_not_its_tables() -> None:
    network = UNet(channels=3, dim=12, conditions={"text": TextPlan()})
    chosen = {id(parameter) for parameter in muon_parameters(network)}
    encoder = network.get_submodule("time.conditions.text")
    of_encoder = [name for name, parameter in encoder.named_parameters() if id(parameter) in chosen]
    assert {name.partition(".")[0] for name in of_encoder} == {"layers"}
    assert len(of_encoder) == sum(parameter.ndim == 2 for parameter in encoder.get_submodule("layers").parameters())
    crossing = [one for one in network.modules() if isinstance(one, CrossAttention)]
    assert crossing and all(id(one.kv.weight) in chosen for one in crossing)


def perceptron(muon: bool | None) -> nn.Sequential:
    """Three linear layers, of which the middle one is marked."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.Linear(8, 8), nn.GELU()), nn.Linear(8, 8))
    if muon is not None:
        setattr(network[1], "muon", muon)  # noqa: B010  nn.Module's annotations allow only tensors and modules
    return network


@pytest.mark.parametrize("muon", [None, False])
def test_without_kernels_adamw_takes_all(muon: bool | None) -> None:
    network = perceptron(muon)
    assert not list(muon_parameters(network))
    (adam,) = make_optimizers(network, CONFIG)
    assert isinstance(adam, torch.optim.AdamW)
    assert len(adam.param_groups[0]["params"]) == len(list(network.parameters()))


def test_a_marked_matrix_is_muons_and_its_step_is_orthogonal() -> None:
    network = perceptron(True)
    weight = network.get_parameter("1.0.weight")
    assert [id(parameter) for parameter in muon_parameters(network)] == [id(weight)]
    muon, adam = make_optimizers(network, CONFIG)
    before = weight.detach().clone()
    left, right = (torch.linalg.qr(torch.randn(8, 8))[0] for _ in range(2))
    weight.grad = left @ torch.linspace(1, 2, 8).diag() @ right
    muon.step()
    adam.step()
    step = left.T @ (before - weight.detach()) @ right.T / (MUON_RATE * CONFIG.learning_rate)
    assert (step - step.diag().diag()).abs().max() < 1e-4, "the directions are those of the gradient"
    assert 0.6 < float(step.diag().min()) <= float(step.diag().max()) < 1.3


@pytest.mark.parametrize(("device", "dtype"), [("cpu", torch.float32), ("meta", torch.bfloat16)])
def test_muon_computes_in_bf16_anywhere_but_on_cpus(device: str, dtype: torch.dtype) -> None:
    network = nn.Conv2d(1, 1, 3, device=device)
    muon, _ = make_optimizers(network, CONFIG.model_copy(update={"precision": "bfloat16"}))
    assert muon.param_groups[0]["dtype"] == dtype


def test_steps_of_many_weights_are_those_of_each() -> None:
    """Also after a step: the momenta belong to the weights."""
    torch.manual_seed(0)
    shapes = (6, 4, 3, 3), (4, 6, 1, 1), (6, 4, 3, 3), (12, 4, 1, 1)
    together, alone = (
        [nn.Parameter(weight.clone()) for weight in weights] for weights in 2 * [[*map(torch.ones, shapes)]]
    )
    optimizers = [
        Muon(together, lr=0.1, weight_decay=0.1),
        *(Muon([weight], lr=0.1, weight_decay=0.1) for weight in alone),
    ]
    for _ in range(2):
        for one, other in zip(together, alone, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize(("torchs", "nevoas"), [(torch.optim.Adam, Adam), (torch.optim.AdamW, AdamW)])
def test_without_the_compilers_wrappers_torchs_optimizers_are_the_same(
    torchs: Callable[..., Any], nevoas: Callable[..., Any]
) -> None:
    """Bit for bit, through saving and loading their state."""
    one, other = (nn.Parameter(torch.ones(3, 3)) for _ in range(2))
    theirs, ours = torchs([one], lr=0.1, fused=True), nevoas([other], lr=0.1, weight_decay=0.01)
    for gradient in torch.randn(4, 3, 3, generator=torch.Generator().manual_seed(0)):
        for weight, optimizer in ((one, theirs), (other, ours)):
            optimizer.zero_grad()
            (weight * gradient).sum().backward()
            optimizer.step()
            optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert torch.equal(one, other)
    torch.testing.assert_close(theirs.state_dict(), ours.state_dict(), rtol=0, atol=0)


def test_adam_decays_no_weights() -> None:
    """It would add them to the gradient, which divides them by its size."""
    layer = nn.Linear(2, 1)
    before = copy.deepcopy(layer)
    [optimizer] = make_optimizers(layer, PLAN.model_copy(update={"optimizer": "adam", "weight_decay": 0.1}))
    layer(torch.zeros(1, 2)).sum().backward()  # no gradient for the matrix
    optimizer.step()
    assert torch.equal(layer.weight, before.weight)


def test_an_unused_weight_stays() -> None:
    used, unused = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)
    before = unused.weight.detach().clone()
    muon, _ = make_optimizers(nn.ModuleList([used, unused]), CONFIG)
    used(torch.randn(1, 1, 5, 5)).sum().backward()
    muon.step()
    assert torch.equal(unused.weight, before)


def test_what_an_optimizer_keeps_is_known_before_it_is_trained_with() -> None:
    assert kept_by(Adam) == kept_by(AdamW) == {"step": False, "exp_avg": True, "exp_avg_sq": True}
    assert kept_by(Muon) == {"momentum": True}
    assert kept_by(torch.optim.SGD) == {}


@pytest.mark.parametrize("kept", ["a number", torch.zeros(2)])
@pytest.mark.usefixtures("registered")
def test_an_optimizer_whose_state_no_checkpoint_holds_is_refused(kept: Any) -> None:
    class Own(torch.optim.SGD):
        def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            self.state[self.param_groups[0]["params"][0]]["kept"] = kept

    register("optimizer", "own", Own)
    with pytest.raises(NevoaError, match="keeps kept for each weight, which a checkpoint cannot hold"):
        make_optimizers(nn.Linear(2, 1), PLAN.model_copy(update={"optimizer": "own"}))


def test_muon_moves_a_weight_alike_however_it_lies_in_memory() -> None:
    weight, gradient = torch.randn(2, 6, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    moved = []
    for layout in (torch.contiguous_format, torch.channels_last):
        parameter = nn.Parameter(weight.clone(memory_format=layout))
        parameter.grad = gradient.clone(memory_format=layout)
        Muon([parameter], lr=0.1, weight_decay=0.0).step()
        moved.append(parameter.detach())
    step = weight - moved[0]
    assert step.norm() > 0.1
    # Along the gradient: an orthogonal matrix of its directions, and not of numbers in other places.
    assert torch.cosine_similarity(step.flatten(), gradient.flatten(), dim=0) > 0.9
    torch.testing.assert_close(moved[0], moved[1])
