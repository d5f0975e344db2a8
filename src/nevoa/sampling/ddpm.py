"""The sampler of Ho et al. 2020."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nevoa.diffusion import Estimate, GaussianProcess
from nevoa.sampling.sampler import Past
from nevoa.vocabulary import VarianceName


@dataclass(frozen=True)
class DDPM:
    """TrainingNoise x_s from q(x_s | x_t, x_0) with the estimated x_0 (Algorithm 2); no noise on the last step.

    `variance` is the fixed reverse variance: beta_tilde, "small", or beta, "large" (section 3.2).
    """

    variance: VarianceName = "small"

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
        t_of, s_of = torch.full((len(x_t),), t), torch.full((len(x_t),), s)
        mean, variance = process.posterior(estimate.x_0, x_t, t_of, s_of)
        if s == 0:
            return mean
        if self.variance == "large":
            variance = process.large_variance(t_of, s_of, x_t)
        return mean + variance.sqrt() * noise()
