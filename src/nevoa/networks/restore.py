"""A network with weights from a file, and the shapes of a network without any."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nevoa.config import NetworkConfig
from nevoa.networks.registry import build_network


def restored_network(config: NetworkConfig, channels: int, classes: int, tensors: Mapping[str, Tensor]) -> nn.Module:
    """The network that a config describes, with these weights as float32. Nothing is initialized at random first."""
    network = empty_network(config, channels, classes)
    types = {name: tensor.dtype for name, tensor in network.state_dict().items()}
    network.load_state_dict({name: tensor.to(types[name]) for name, tensor in tensors.items()}, assign=True)
    if any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
        # A buffer that is not in the file has to be computed by the network itself.
        network = build_network(config, channels, classes)
        network.load_state_dict(tensors)
    return network


def network_shapes(config: NetworkConfig, channels: int, classes: int) -> dict[str, torch.Size]:
    """Names and shapes of the network's tensors, without allocating them."""
    return {name: tensor.shape for name, tensor in empty_network(config, channels, classes).state_dict().items()}


def empty_network(config: NetworkConfig, channels: int, classes: int) -> nn.Module:
    """The network that a config describes, on the meta device: shapes without memory."""
    with torch.device("meta"), _WithoutInitialization():
        return build_network(config, channels, classes)


class _WithoutInitialization(TorchFunctionMode):
    """Skip `torch.nn.init`: on the meta device it loads torch's compiler, which takes over a second."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if kwargs and "tensor" in kwargs else args[0]
        return func(*args, **(kwargs or {}))
