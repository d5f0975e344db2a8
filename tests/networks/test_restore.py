"""Weights from a file, and shapes without weights."""

from typing import Any

import pytest
import torch
from torch import nn

from nevoa.config import Config
from nevoa.config.network import NetworkConfig
from nevoa.config.registry import register
from nevoa.networks import network_shapes, restored_network
from nevoa.networks.build import build_network
from nevoa.networks.restore import empty_network


def test_weights_come_back_as_float32(tiny: Config) -> None:
    tensors = {name: tensor.half() for name, tensor in build_network(tiny.network, 1).state_dict().items()}
    restored = restored_network(tiny.network, 1, 0, lambda shapes: tensors)
    for name, tensor in restored.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, tensors[name].float())


class Tied(nn.Module):
    """Two layers with the same weights."""

    def __init__(self, channels: int, *, classes: int = 0) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1)
        self.last.weight = self.first.weight


@pytest.mark.usefixtures("registered")
def test_tied_weights_stay_tied() -> None:
    register("network", "tied", Tied, NetworkConfig)
    config, tensors = NetworkConfig(kind="tied"), Tied(1).state_dict()
    network: Any = restored_network(config, 1, 0, lambda shapes: tensors)
    assert network.last.weight is network.first.weight
    assert torch.equal(network.last.weight, tensors["last.weight"])


def test_an_empty_network_has_shapes_and_no_memory(tiny: Config) -> None:
    expected = {name: tensor.shape for name, tensor in build_network(tiny.network, 1, 3).state_dict().items()}
    assert network_shapes(tiny.network, 1, 3) == expected
    assert all(tensor.is_meta for tensor in empty_network(tiny.network, 1, 3).state_dict().values())
