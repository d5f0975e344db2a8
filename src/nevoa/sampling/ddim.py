"""The deterministic sampler of Song, Meng and Ermon 2021."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nevoa.diffusion import Estimate, GaussianProcess


@dataclass(frozen=True)
class DDIM:
    """x_s has the estimated x_0 and the estimated epsilon at the noise level of s (equation 12 with sigma = 0)."""

    def step(
        self, process: GaussianProcess, x_t: Tensor, estimate: Estimate, t: int, s: int, noise: Callable[[], Tensor]
    ) -> Tensor:
        """x_s from x_t, 0 <= s < t <= T. Draws no noise."""
        return process.forward(estimate.x_0, torch.full((len(x_t),), s, device=x_t.device), estimate.epsilon)
