"""The sampler of Song, Meng and Ermon 2021."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from nevoa.diffusion import Estimate, GaussianProcess
from nevoa.sampling.sampler import Past


@dataclass(frozen=True)
class DDIM:
    """x_s has the estimated x_0, and the estimated epsilon in all of its noise that is not drawn anew (equation 12).

    `eta` scales the standard deviation of what is drawn anew (equation 16): 0 draws nothing, 1 is ancestral sampling
    with the small variance.
    """

    eta: float = 0.0

    def step(
        self,
        process: GaussianProcess,
        x_t: Tensor,
        estimate: Estimate,
        t: int,
        s: int,
        noise: Callable[[], Tensor],
        past: Past | None = None,
    ) -> Tensor:
        """x_s from x_t, 0 <= s < t <= T."""
        kept_t, kept_s = process.schedule.alpha_bar[[t, s]].tolist()
        fresh = self.eta**2 * (1 - kept_s) / (1 - kept_t) * (1 - kept_t / kept_s)
        x_s = math.sqrt(kept_s) * estimate.x_0 + math.sqrt(max(0.0, 1 - kept_s - fresh)) * estimate.epsilon
        return x_s + math.sqrt(fresh) * noise() if fresh else x_s
