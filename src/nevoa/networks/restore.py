"""A network with weights from a file, and the shapes of a network without any."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nevoa.config import NetworkConfig
from nevoa.networks.build import build_network
from nevoa.networks.embedding import Conditions

Shapes = dict[str, torch.Size]


def restored_network(
    config: NetworkConfig,
    channels: int,
    classes: int,
    read: Callable[[Shapes], Mapping[str, Tensor]],
    conditions: Conditions = None,
) -> nn.Module:
    """The network that a config describes, with weights as float32. Nothing is initialized at random first.

    Args:
        read: returns the weights by name; it gets their shapes, so that it can refuse others before it allocates any.

    Example:
        >>> weights = build_network(UNetConfig(dim=8), channels=1).state_dict()
        >>> network = restored_network(UNetConfig(dim=8), 1, 0, lambda shapes: weights)
    """
    network = empty_network(config, channels, classes, conditions)
    tensors = read(_shapes(network))
    types = {name: tensor.dtype for name, tensor in network.state_dict().items()}
    is_tied = len([*network.parameters()]) < len([*network.named_parameters(remove_duplicate=False)])
    network.load_state_dict({name: tensor.to(types[name]) for name, tensor in tensors.items()}, assign=True)
    if is_tied or any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
        # Assigning separates tied weights, and a buffer that is not in the file has to be computed by the network.
        network = build_network(config, channels, classes, conditions)
        network.load_state_dict(tensors)
    return network


def network_shapes(config: NetworkConfig, channels: int, classes: int, conditions: Conditions = None) -> Shapes:
    """Names and shapes of the network's tensors, without allocating them.

    Example:
        >>> network_shapes(UNetConfig(dim=8), channels=1, classes=0)["out.weight"]
        torch.Size([1, 8, 1, 1])
    """
    return _shapes(empty_network(config, channels, classes, conditions))


def _shapes(network: nn.Module) -> Shapes:
    return {name: tensor.shape for name, tensor in network.state_dict().items()}


def empty_network(config: NetworkConfig, channels: int, classes: int, conditions: Conditions = None) -> nn.Module:
    """The network that a config describes, on the meta device: shapes without memory.

    Example:
        >>> empty_network(UNetConfig(dim=8), channels=1, classes=0).out.weight.device
        device(type='meta')
    """
    with torch.device("meta"), _WithoutInitialization():
        return build_network(config, channels, classes, conditions)


class _WithoutInitialization(TorchFunctionMode):
    """Skip `torch.nn.init`: on the meta device it loads torch's compiler, which takes over a second."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if kwargs and "tensor" in kwargs else args[0]
        return func(*args, **(kwargs or {}))
