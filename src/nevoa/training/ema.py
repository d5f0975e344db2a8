"""An average of the weights over training: what is sampled from."""

import torch
from torch import nn


def decay_at(update: int, decay: float) -> float:
    """The decay of update number 1, 2, …: min(decay, update / (update + 9)).

    The second is an average over the last tenth or so of the run, whatever its length, so that a short run's average
    is not its first weights.
    """
    return min(decay, update / (update + 9))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, update: int, decay: float) -> None:
    """average <- d average + (1 - d) network, with d as `decay_at` says. A decay of 0 copies."""
    weights = [*average.parameters(), *average.buffers()], [*network.parameters(), *network.buffers()]
    torch._foreach_lerp_(*weights, 1 - decay_at(update, decay))  # pyright: ignore[reportPrivateImportUsage]
