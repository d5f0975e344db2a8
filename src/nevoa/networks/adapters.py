"""Low-rank adapters (Hu et al. 2022): the weights of a network stay, and beside its linear layers narrow ones learn."""

import copy
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from nevoa._util.packages import needs
from nevoa._util.random import Stream, generator
from nevoa._util.tensors import packed
from nevoa.errors import NevoaError

# The name of an adapter that has none, as peft writes it into the names of modules but not into files.
UNNAMED = "default"
IN_MODULES = re.compile(rf"(\.lora_\w+)\.{UNNAMED}")
# Before each name in a file of peft.
PREFIX = "base_model.model."


class Adapted(nn.Module):
    """A network whose weights stay as they are, with an adapter beside each of its linear layers, made by peft.

    Where a layer computes `W x`, it then computes `W x + B A x`, with `rank` rows in A. B begins at zero, so the
    network first predicts what it did without. A 1x1 convolution is linear, too, and so is the embedding of classes.

    Its `state_dict` holds the adapters alone, under the names that peft gives them in files.

    Args:
        network: changed in place. If it has an attribute `adapted_module`, the adapters are for the module of that name
            only, and their names are those in that module.
        rank: of each adapter.
        seed: of A.

    Raises:
        NevoaError: peft is missing, or the network has no linear layers.

    Example:
        >>> adapted = Adapted(build_network(UNetConfig(dim=8), channels=1), rank=4, seed=0)
        >>> adapted.start_from(weights)
    """

    def __init__(self, network: nn.Module, rank: int, seed: int):
        super().__init__()
        needs("lora", "peft")
        from peft import LoraConfig, inject_adapter_in_model

        names = [re.escape(name) for name, _ in _linear_layers(_inner(network))]
        if not names:
            raise NevoaError(
                f"The network {type(network).__name__} has no linear layers, which adapters need: leave out --lora."
            )
        self.network, self.start = network.requires_grad_(False), ""
        self.config = LoraConfig(r=rank, lora_alpha=rank, target_modules="|".join(names), inference_mode=False)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(generator(seed, Stream.WEIGHTS, 1).integers(2**63)))
            inject_adapter_in_model(self.config, _inner(network), UNNAMED)

    def forward(self, x: Tensor, t: Tensor, *condition: Any) -> Tensor:
        return self.network(x, t, *condition)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Load the weights that stay, under their names in the network, and remember their sha256 as `start`."""
        kept = {_plain(name): tensor for name, tensor in self.network.state_dict().items() if not _is_adapter(name)}
        if kept.keys() != weights.keys():
            raise NevoaError(
                "The network is not that of the model to start from: leave out the network's own settings."
            )
        with torch.no_grad():
            for name, tensor in kept.items():
                tensor.copy_(weights[name])
        self.start = hashlib.sha256(packed(weights.items())).hexdigest()

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return {
            IN_MODULES.sub(r"\1", name): tensor
            for name, tensor in _inner(self.network).state_dict().items()
            if _is_adapter(name)
        }

    def load_state_dict(self, state_dict: Mapping[str, Tensor], *args: Any, **kwargs: Any) -> None:  # pyright: ignore
        with torch.no_grad():
            for name, tensor in self.state_dict().items():
                tensor.copy_(state_dict[name])

    def merged(self) -> nn.Module:
        """Return the network with `W + B A` in place of each W, without adapters."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        network = copy.deepcopy(self.network)
        layers = [(name, module) for name, module in network.named_modules() if isinstance(module, BaseTunerLayer)]
        for name, layer in layers:
            layer.merge()
            network.set_submodule(name, layer.get_base_layer())
        vars(_inner(network)).pop("peft_config", None)
        return network

    def files(self, start: str) -> tuple[bytes, bytes]:
        """Return the contents of peft's `adapter_config.json` and `adapter_model.safetensors`.

        Args:
            start: the name of the model that the adapters are for.
        """
        config = copy.copy(self.config)
        config.base_model_name_or_path, config.inference_mode = start, True
        with TemporaryDirectory() as folder:
            config.save_pretrained(folder)
            (written,) = Path(folder).iterdir()
            text = written.read_bytes()
        return text, packed((PREFIX + name, tensor) for name, tensor in self.state_dict().items())


def merged(network: nn.Module) -> nn.Module:
    """Return a network without adapters: with those that it has added to its weights.

    Example:
        >>> merged(network) is network
        True
    """
    return network.merged() if isinstance(network, Adapted) else network


def adapter_weights(network: nn.Module, rank: int) -> int:
    """Return how many weights adapters of this rank would have.

    Example:
        >>> adapter_weights(torch.nn.Linear(8, 4), rank=2)
        24
    """
    return sum(rank * sum(layer.weight.shape[:2]) for _, layer in _linear_layers(_inner(network)))


def _inner(network: nn.Module) -> nn.Module:
    """The module that adapters are for."""
    return network.get_submodule(getattr(network, "adapted_module", ""))


def _linear_layers(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """The linear layers by name. A subclass may be read by its weights, which would leave its adapter out."""
    for name, layer in module.named_modules():
        is_1x1 = type(layer) is nn.Conv2d and layer.kernel_size == (1, 1) and layer.groups == 1
        if is_1x1 or type(layer) in (nn.Linear, nn.Embedding):
            yield name, layer


def _is_adapter(name: str) -> bool:
    return ".lora_" in name


def _plain(name: str) -> str:
    return name.replace(".base_layer.", ".")
