"""Optimizers."""

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from nevoa._util.uncompiled import uncompiled
from nevoa.config.plan import TrainingPlan
from nevoa.config.registry import OPTIMIZERS
from nevoa.errors import NevoaError
from nevoa.training.orthogonal import orthogonal

# A step of Muon has the norm of an orthogonal matrix, one of Adam is near 1 for each weight: Muon's learning rate is
# ten times Adam's.
MUON_RATE = 10.0
# That of adapters is ten times as high, too: a step of one of their two factors changes the weights less
# (docs/experiments.md).
ADAPTER_RATE = 10.0
MUON_MOMENTUM = 0.95
# The second moment of Adam averages 100 steps instead of 1000, because a run of five minutes has about 2000.
SHORT_BETAS = (0.9, 0.99)

# By torch, for its compiler, in every optimizer. `step` has another wrapper, for steps that have gradients themselves.
WRAPPED = "add_param_group", "load_state_dict", "state_dict", "zero_grad"


@uncompiled(*WRAPPED)
class Adam(torch.optim.Adam):
    """Adam as torch computes it (Kingma and Ba 2015)."""

    def __init__(self, parameters: list[nn.Parameter], lr: float, weight_decay: float = 0.0):
        super().__init__(parameters, lr=lr, fused=True)  # it would add the decay to the gradient

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


@uncompiled(*WRAPPED)
class AdamW(torch.optim.AdamW):
    """AdamW as torch computes it (Loshchilov and Hutter 2019)."""

    def __init__(
        self,
        parameters: list[nn.Parameter],
        lr: float,
        weight_decay: float,
        betas: tuple[float, float] = (0.9, 0.999),
    ):
        super().__init__(parameters, lr=lr, weight_decay=weight_decay, betas=betas, fused=True)

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


@uncompiled(*WRAPPED)
class Muon(torch.optim.Optimizer):
    """Momentum with every step made orthogonal (Jordan et al. 2024), so that it moves all directions of a matrix alike.

    Args:
        parameters: of two or more dimensions; a convolution kernel is an `[out, h w in]` matrix.
        dtype: of the computation that makes steps orthogonal.
    """

    def __init__(
        self, parameters: list[nn.Parameter], lr: float, weight_decay: float, dtype: torch.dtype = torch.float32
    ):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "dtype": dtype})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Make one step with the current gradients."""
        for group in self.param_groups:
            weights = [parameter for parameter in group["params"] if parameter.grad is not None]
            if weights:
                torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])  # pyright: ignore[reportPrivateImportUsage]
                for weight, step in zip(weights, orthogonal(self._nesterov(weights), group["dtype"]), strict=True):
                    # The rows of a tall orthogonal matrix are short; Jordan's factor makes up for it.
                    rate = group["lr"] * max(1.0, step.shape[0] / step.shape[1]) ** 0.5
                    rows = weight.movedim(1, -1)
                    rows.add_(step.view_as(rows), alpha=-rate)

    def _nesterov(self, weights: list[nn.Parameter]) -> list[Tensor]:
        """Update the momenta with the gradients; return Nesterov's steps as matrices, not yet orthogonal."""
        gradients = [weight.grad for weight in weights]
        momenta = [self._momentum(weight) for weight in weights]
        torch._foreach_lerp_(momenta, gradients, 1 - MUON_MOMENTUM)  # pyright: ignore
        steps = torch._foreach_lerp(gradients, momenta, MUON_MOMENTUM)  # pyright: ignore
        # Kernels lie in memory as [out, h, w, in], so that this flattens without a copy.
        return [each.movedim(1, -1).flatten(1) for each in steps]

    def _momentum(self, weight: nn.Parameter) -> Tensor:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        return state["momentum"]


def trained_parameters(network: nn.Module) -> list[nn.Parameter]:
    """The parameters that require a gradient; the others stay as they are. A NevoaError if there are none."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not parameters:
        raise NevoaError(f"The network {type(network).__name__} has no weights to train.")
    return parameters


def make_optimizers(network: nn.Module, plan: TrainingPlan, times: float = 1.0) -> tuple[torch.optim.Optimizer, ...]:
    """Return the optimizer that the plan names, or Muon beside AdamW.

    Muon takes the weights that `muon_parameters` yields, AdamW the others; one without weights is left out. Each
    parameter group has a `scale`: its learning rate divided by the plan's.

    Args:
        times: multiplies every learning rate.
    """
    rate, decay, parameters = times * plan.learning_rate, plan.weight_decay, trained_parameters(network)
    if plan.optimizer != "muon":
        optimizer = OPTIMIZERS[plan.optimizer](parameters, lr=rate, weight_decay=decay)
        kept_by(type(optimizer))  # refuses what no checkpoint can hold
        optimizer.param_groups[0]["scale"] = times
        return (optimizer,)
    # On CPUs with AVX-512 or with matrix units, steps in float32 take a quarter of those in bf16 at width 32, and two
    # thirds at width 64.
    on_cpu = parameters[0].device.type == "cpu"
    dtype = torch.bfloat16 if plan.precision == "bfloat16" and not on_cpu else torch.float32
    chosen = {id(parameter) for parameter in muon_parameters(network)}
    inner = [parameter for parameter in parameters if id(parameter) in chosen]
    rest = [parameter for parameter in parameters if id(parameter) not in chosen]
    optimizers: list[torch.optim.Optimizer] = []
    if inner:
        optimizers.append(Muon(inner, lr=MUON_RATE * rate, weight_decay=decay, dtype=dtype))
        optimizers[-1].param_groups[0]["scale"] = MUON_RATE * times
    if rest:
        optimizers.append(AdamW(rest, lr=rate, weight_decay=decay, betas=SHORT_BETAS))
        optimizers[-1].param_groups[0]["scale"] = times
    return tuple(optimizers)


@cache
def kept_by(kind: type[torch.optim.Optimizer]) -> dict[str, bool]:
    """The state that an optimizer keeps for each parameter: by name, whether it has its shape, or else is a number.

    A NevoaError if it keeps something else, which a checkpoint cannot hold.
    """
    weight = nn.Parameter(torch.zeros(2, 3))
    weight.grad = torch.ones_like(weight)
    optimizer: Any = kind([weight], lr=0.1, weight_decay=0.0)  # pyright: ignore[reportCallIssue]
    optimizer.step()
    shapes = {key: getattr(value, "shape", None) for key, value in optimizer.state[weight].items()}
    if wrong := [key for key, shape in shapes.items() if shape not in (weight.shape, ())]:
        raise NevoaError(
            f"The optimizer {kind.__name__} keeps {wrong[0]} for each weight, which a checkpoint cannot hold: it must "
            "keep tensors of the shape of the weight, or of no dimensions."
        )
    return {key: shape == weight.shape for key, shape in shapes.items()}


def muon_parameters(module: nn.Module, muon: bool | None = None) -> Iterator[nn.Parameter]:
    """Yield the weights that Muon takes: 4-dimensional ones, the kernels of 2-d convolutions.

    A module's attribute `muon` changes this for the weights of the module and its children: with False Muon takes none,
    as for a network's first and last layers; with True all that have two or more dimensions.
    """
    muon = getattr(module, "muon", muon)
    for parameter in module.parameters(recurse=False):
        if muon is not False and (parameter.ndim == 4 or (muon and parameter.ndim >= 2)):
            yield parameter
    for child in module.children():
        yield from muon_parameters(child, muon)
