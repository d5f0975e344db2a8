"""Adapters beside the linear layers of a network: peft opens them, and adding them to the weights changes nothing."""

import copy
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nevoa._util import packages
from nevoa.config.network import ResidualUNetConfig
from nevoa.errors import NevoaError
from nevoa.formats.diffusers.network import DiffusersUNet
from nevoa.networks import build_network, empty_network
from nevoa.networks.adapters import Adapted, adapter_weights, merged
from nevoa.runs import Run

SMALL = ResidualUNetConfig(dim=8, multipliers=(1, 2), blocks=1, attention=(False, True), groups=1, patch=2)
UNET = {
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 2,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
}
INPUTS = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([1, 500, 999])
LABELS = torch.tensor([0, 1, 2])


def network_of(kind: str) -> nn.Module:
    """A network of two classes with random weights."""
    torch.manual_seed(0)
    network = DiffusersUNet(3, json.dumps(UNET), classes=2) if kind == "diffusers" else build_network(SMALL, 3, 2)
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.2)
    return network.eval()


def trained(network: nn.Module, rank: int = 3) -> Adapted:
    """The network with adapters that are no longer zero."""
    adapted = Adapted(copy.deepcopy(network), rank, seed=0)
    for weight in adapted.parameters():
        if weight.requires_grad:
            nn.init.normal_(weight, std=0.3)
    return adapted.eval()


@torch.no_grad()
def output(network: nn.Module) -> Tensor:
    return network(*INPUTS, LABELS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["residual", "diffusers"])
def test_before_it_is_trained_a_network_with_adapters_is_the_network(kind: str) -> None:
    network = network_of(kind)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    adapted = Adapted(copy.deepcopy(network), 3, seed=0).eval()
    assert torch.equal(output(adapted), output(network))
    torch.testing.assert_close(adapted.merged().state_dict(), before, rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["residual", "diffusers"])
def test_adapters_that_are_added_to_the_weights_leave_the_output(kind: str) -> None:
    """Those of linear layers, of 1x1 convolutions and of the embedding of classes."""
    network, adapted = network_of(kind), trained(network_of(kind))
    whole = merged(adapted)
    assert {name.split(".")[-2] for name in adapted.state_dict()} >= {"lora_A", "lora_B"}
    assert any("lora_embedding_A" in name for name in adapted.state_dict())
    assert whole.state_dict().keys() == network.state_dict().keys()
    assert not torch.allclose(output(adapted), output(network), atol=0.1)
    torch.testing.assert_close(output(whole), output(adapted), rtol=1e-4, atol=1e-4)
    assert merged(network) is network


@pytest.mark.slow
def test_peft_opens_the_files_beside_the_model_of_diffusers(tmp_path: Path) -> None:
    from diffusers.models.unets.unet_2d import UNet2DModel
    from peft import PeftModel

    network = network_of("diffusers")
    adapted = trained(network)
    Run(tmp_path).write_adapters(*adapted.files("a model"))
    assert json.loads(Run(tmp_path).adapters_config_file.read_text())["base_model_name_or_path"] == "a model"
    theirs: Any = UNet2DModel(**UNET, num_class_embeds=3).eval()
    theirs.load_state_dict(network.get_submodule("unet").state_dict())
    theirs = PeftModel.from_pretrained(theirs, str(tmp_path / "model/lora"))
    x_t, t = INPUTS
    with torch.no_grad():
        found = theirs(x_t, t - 1, LABELS).sample
    torch.testing.assert_close(found, output(adapted), rtol=1e-4, atol=1e-5)
    assert Run(tmp_path).adapters_file.stat().st_size < 100_000


@pytest.mark.slow
def test_only_adapters_are_trained_and_their_number_is_known_before() -> None:
    for kind in ("residual", "diffusers"):
        adapted = Adapted(network_of(kind), 3, seed=0)
        weights = [weight for weight in adapted.parameters() if weight.requires_grad]
        kept = {id(tensor) for tensor in weights}
        assert {tensor.data_ptr() for tensor in adapted.state_dict().values()} == {each.data_ptr() for each in weights}
        assert sum(weight.numel() for weight in weights) == adapter_weights(network_of(kind), 3)
        assert all("lora_" in name for name, weight in adapted.named_parameters() if id(weight) in kept)
    assert adapter_weights(empty_network(SMALL, 3, 2), 3) == adapter_weights(network_of("residual"), 3)


@pytest.mark.slow
def test_adapters_are_restored_and_the_weights_that_stay_are_known_by_their_hash() -> None:
    network, adapted = network_of("residual"), trained(network_of("residual"))
    other = Adapted(build_network(SMALL, 3, 2), 3, seed=5).eval()
    assert other.start == ""
    other.start_from(network.state_dict())
    other.load_state_dict(adapted.state_dict())
    assert torch.equal(output(other), output(adapted))
    adapted.start_from(network.state_dict())
    assert other.start == adapted.start
    changed = network.state_dict() | {"stem.bias": network.state_dict()["stem.bias"] + 1}
    other.start_from(changed)
    assert other.start != adapted.start
    with pytest.raises(NevoaError, match="not that of the model to start from"):
        other.start_from({})


@pytest.mark.slow
def test_the_seed_alone_says_how_adapters_begin() -> None:
    network = network_of("residual")
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again, other = (Adapted(copy.deepcopy(network), 3, seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.slow
def test_a_network_without_linear_layers_is_refused() -> None:
    with pytest.raises(NevoaError, match="Sequential has no linear layers"):
        Adapted(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1)), 3, seed=0)


def test_without_peft_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == "peft" else find(name))
    with pytest.raises(NevoaError, match=r"needs the package peft: pip install 'nevoa\[lora\]'"):
        Adapted(network_of("residual"), 3, seed=0)
