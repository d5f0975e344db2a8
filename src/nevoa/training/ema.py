"""An exponential average of the weights over training; images are sampled from it.

torch's `AveragedModel` would add a prefix to every name in the model's file, and a counter to its weights.
"""

import torch
from torch import nn


def decay_at(update: int, decay: float) -> float:
    """The decay of update number 1, 2, …: min(decay, update / (update + 9)).

    The second term averages over about the last tenth of the run, so that a short run's average forgets its initial
    weights.
    """
    return min(decay, update / (update + 9))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, update: int, decay: float) -> None:
    """average <- d average + (1 - d) network, with d = `decay_at(update, decay)`. A decay of 0 copies."""
    averages, values = ([*module.parameters(), *module.buffers()] for module in (average, network))
    pairs = list(zip(averages, values, strict=True))
    means, news = zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True)
    torch._foreach_lerp_(list(means), list(news), 1 - decay_at(update, decay))  # pyright: ignore[reportPrivateImportUsage]
    for mean, new in pairs:
        if not mean.is_floating_point():  # a counter of batch normalization
            mean.copy_(new)
