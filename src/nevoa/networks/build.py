"""Build the network that a config describes, and check one that a caller made."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from nevoa._util.arguments import has_argument
from nevoa._util.random import Stream, generator
from nevoa.config.network import NetworkConfig, ObjectNetworkConfig
from nevoa.config.registry import NETWORKS
from nevoa.errors import NevoaError, missing_object, reason
from nevoa.networks.embedding import Conditions, null_condition

Network = TypeVar("Network", bound=nn.Module)


def build_network(config: NetworkConfig, channels: int, classes: int = 0, conditions: Conditions = None) -> nn.Module:
    """Return a new network that a config describes.

    Args:
        channels: of the images.
        classes: how many classes a conditional network has; 0 for a network without classes.
        conditions: the other kinds of condition by name.

    Raises:
        NevoaError: the config is of a network object, or its values do not make a network.

    Example:
        >>> network = build_network(UNetConfig(dim=8), channels=1)
    """
    if isinstance(config, ObjectNetworkConfig):
        raise missing_object("network", config.class_name)
    module, others = NETWORKS[config.kind], {"conditions": conditions} if conditions else {}
    if others and not has_argument(module, "conditions"):
        raise NevoaError(
            f"The network {config.kind} knows classes, and no {' or '.join(conditions or ())}: train with "
            "training.condition=class or none."
        )
    try:
        return module(channels, **config.model_dump(exclude={"kind"}), classes=classes, **others)
    except (TypeError, ValueError, RuntimeError) as error:
        raise NevoaError(f"The config describes no network: {reason(error)}.") from error


def fresh_network(
    config: NetworkConfig,
    channels: int,
    classes: int,
    seed: int,
    network: nn.Module | None = None,
    conditions: Conditions = None,
) -> nn.Module:
    """Return the network before training: a copy of the one given, else the config's, its weights given by the seed.

    Args:
        config, channels, classes, conditions: as of `build_network`.

    Example:
        >>> network = fresh_network(UNetConfig(dim=8), channels=1, classes=0, seed=0)
    """
    if network is not None:
        network = copy.deepcopy(network)
    else:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(generator(seed, Stream.WEIGHTS, 0).integers(2**63)))
            network = build_network(config, channels, classes, conditions)
    return in_channels_last(network)


def in_channels_last(network: Network) -> Network:
    """Return the network, its kernels in the layout in which the convolutions of oneDNN and cuDNN are fastest.

    `Module.to` converts tensors of five dimensions, too, for which there is no such layout.

    Example:
        >>> network = in_channels_last(network)
    """
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.to(memory_format=torch.channels_last)
    return network


def check_is_module(network: Any) -> None:
    """Raise a NevoaError unless a network is an `nn.Module`.

    Example:
        >>> check_is_module(network)
    """
    if not isinstance(network, nn.Module):
        raise NevoaError(f"The network must be an object of a subclass of torch.nn.Module, not {network!r}.")


@torch.no_grad()
def check_network(network: Any, shape: tuple[int, int, int], classes: int = 0, conditions: Conditions = None) -> None:
    """Run a network on two blank images to check that it maps (x_t, t) or (x_t, t, condition) to the shape of x_t.

    Its mode (training or evaluation) stays as it was.

    Args:
        shape: (C, H, W) of the images.
        classes: how many labels to expect besides the null label, whose index is `classes`; 0 for none.
        conditions: the other kinds of condition by name.

    Raises:
        NevoaError: it is not an `nn.Module`, does not take these inputs, or returns anything but such a tensor.

    Example:
        >>> check_network(network, (1, 28, 28))
    """
    check_is_module(network)
    third = ", condition" if conditions else ", label" if classes else ""
    name, inputs = type(network).__name__, f"(x_t, t{third})"
    device = next(network.parameters(), torch.empty(0)).device
    x, t = torch.zeros(2, *shape, device=device), torch.ones(2, dtype=torch.int64, device=device)
    condition = null_condition(classes, conditions, 2, device)
    condition = torch.tensor([0, classes], device=device) if isinstance(condition, Tensor) else condition
    try:
        with evaluating(network):
            output = network(x, t) if condition is None else network(x, t, condition)
    except Exception as error:
        raise NevoaError(
            f"The network {name} does not take {inputs} with x_t of shape {list(x.shape)}: {reason(error)}."
        ) from error
    if not isinstance(output, Tensor) or output.shape != x.shape:
        found = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise NevoaError(f"The network {name} must return a tensor of the shape of x_t, {list(x.shape)}, not {found}.")


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode while the block runs; every module's own mode is restored afterwards.

    Example:
        >>> with evaluating(network):
        ...     output = network(x_t, t)
    """
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
