"""The ancestral sampler of Ho et al. 2020."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from nevoa.config.names import VarianceName
from nevoa.diffusion import AnyDenoiser
from nevoa.sampling.sampler import Draw, Past, Transition, estimate_at


@dataclass(frozen=True)
class DDPM:
    """Draws x_s from q(x_s | x_t, x_0) with the estimated x_0 (Algorithm 2); the last step adds no noise.

    Args:
        variance: the fixed reverse variance, `small` (beta_tilde) or `large` (beta), section 3.2.

    Example:
        >>> images = model.sample(4, sampler=DDPM("large"), steps=20)
    """

    default_steps: ClassVar[int | None] = None  # all T
    variance: VarianceName = "small"

    def step(
        self, denoiser: AnyDenoiser, x_t: Tensor, t: int, s: int, noise: Draw, past: Past | None = None
    ) -> Transition:
        """Step from x_t to x_s with one evaluation, 0 <= s < t <= T."""
        x_0, process = estimate_at(denoiser, x_t, t).x_0, denoiser.process
        t_of, s_of = torch.full((len(x_t),), t), torch.full((len(x_t),), s)
        mean, variance = process.posterior(x_0, x_t, t_of, s_of)
        if s == 0:
            return Transition(mean, x_0)
        if self.variance == "large":
            variance = process.large_variance(t_of, s_of, x_t)
        return Transition(mean + variance.sqrt() * noise(), x_0)
