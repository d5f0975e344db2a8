"""What turns gradients into steps."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from nevoa.config import TrainingConfig

# Muon's steps have the norm of an orthogonal matrix, Adam's are near 1 a weight: ten times the rate suits both.
MUON_RATE = 10.0
MUON_MOMENTUM = 0.95
# Adam's second moment over 100 steps, not 1000: a run of five minutes has two thousand.
SHORT_BETAS = (0.9, 0.99)
# [out, in, h, w] -> [out, h, w, in]: the order in which weights lie in memory, so that a matrix of them is no copy.
CHANNELS_LAST = (0, 2, 3, 1)


class Muon(torch.optim.Optimizer):
    """Momentum whose every step is made orthogonal (Jordan et al. 2024); convolutions are `[out, h w in]` matrices.

    Adam sees single weights; this sees that a weight is a matrix, and moves all its directions alike. Steps are made
    orthogonal in `dtype`.
    """

    def __init__(
        self, parameters: list[nn.Parameter], lr: float, weight_decay: float, dtype: torch.dtype = torch.float32
    ):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "dtype": dtype})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step with the gradients that are there."""
        for group in self.param_groups:
            for parameter in group["params"]:
                momentum = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
                momentum.lerp_(parameter.grad, 1 - MUON_MOMENTUM)
                ahead = parameter.grad.lerp(momentum, MUON_MOMENTUM).permute(CHANNELS_LAST).flatten(1)
                # A tall matrix's orthogonal step is small a row; Jordan's factor makes up for it.
                rate = group["lr"] * max(1.0, ahead.shape[0] / ahead.shape[1]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                weight = parameter.permute(CHANNELS_LAST)
                weight.add_(orthogonal(ahead, group["dtype"]).view_as(weight), alpha=-rate)


def orthogonal(matrix: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Roughly U V^T of a matrix U S V^T: five Newton-Schulz steps bring every singular value to between 0.7 and 1.2.

    They are done in `dtype`: bf16 is exact enough for that (Jordan et al. 2024).
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = ((matrix.T if tall else matrix) / (matrix.norm() + 1e-7)).to(dtype)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.T if tall else x).to(matrix.dtype)


def make_optimizers(network: nn.Module, config: TrainingConfig) -> tuple[torch.optim.Optimizer, ...]:
    """Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019), or Muon with AdamW for all but inner convolutions.

    Each parameter group has a `scale`: its rate over the config's learning rate.
    """
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer != "muon":
        kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
        optimizer = kind(network.parameters(), lr=rate, weight_decay=decay, fused=True)
        optimizer.param_groups[0]["scale"] = 1.0
        return (optimizer,)
    dtype = torch.bfloat16 if config.known_precision == "bfloat16" else torch.float32
    inner, rest = [], []
    for name, parameter in network.named_parameters():
        is_inner = parameter.ndim == 4 and not name.startswith(("stem.", "out."))
        (inner if is_inner else rest).append(parameter)
    muon = Muon(inner, lr=MUON_RATE * rate, weight_decay=decay, dtype=dtype)
    adam = torch.optim.AdamW(rest, lr=rate, weight_decay=decay, betas=SHORT_BETAS, fused=True)
    muon.param_groups[0]["scale"], adam.param_groups[0]["scale"] = MUON_RATE, 1.0
    return muon, adam
