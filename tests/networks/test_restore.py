"""Weights from a file, and shapes without weights."""

import torch

from nevoa.config import Config
from nevoa.networks import network_shapes, restored_network
from nevoa.networks.registry import build_network
from nevoa.networks.restore import empty_network


def test_weights_come_back_as_float32(tiny: Config) -> None:
    tensors = {name: tensor.half() for name, tensor in build_network(tiny.network, 1).state_dict().items()}
    restored = restored_network(tiny.network, 1, 0, lambda shapes: tensors)
    for name, tensor in restored.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, tensors[name].float())


def test_an_empty_network_has_shapes_and_no_memory(tiny: Config) -> None:
    expected = {name: tensor.shape for name, tensor in build_network(tiny.network, 1, 3).state_dict().items()}
    assert network_shapes(tiny.network, 1, 3) == expected
    assert all(tensor.is_meta for tensor in empty_network(tiny.network, 1, 3).state_dict().values())
