"""DPM-Solver++ of second order, multistep (Lu et al. 2022, "DPM-Solver++", Algorithm 2)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from nevoa.diffusion import AnyDenoiser, log_snr_of
from nevoa.sampling.sampler import Draw, Past, Transition, estimate_at


@dataclass(frozen=True)
class DPMSolver:
    """Solves the probability-flow ODE in lambda = log_snr / 2, exactly but for x_0, which changes slowly.

    x_0 is taken in the middle of the step, on the line through this estimate and the one before: second order for one
    evaluation. The first step is of first order, and so is the one to the clean image, which is infinitely long in
    lambda.

    Example:
        >>> images = model.sample(4, sampler=DPMSolver(), steps=7, spacing="karras")
    """

    default_steps: ClassVar[int] = 20

    def step(
        self, denoiser: AnyDenoiser, x_t: Tensor, t: int, s: int, noise: Draw, past: Past | None = None
    ) -> Transition:
        """Step from x_t to x_s with one evaluation, 0 <= s < t <= T. Draws no noise."""
        x_0, schedule = estimate_at(denoiser, x_t, t).x_0, denoiser.process.schedule
        if s == 0:
            return Transition(x_0, x_0)
        log_snr = log_snr_of(schedule)
        lambda_t, lambda_s = (log_snr[[t, s]] / 2).tolist()
        h, between = lambda_s - lambda_t, x_0
        if past is not None:
            h_past = lambda_t - log_snr[past.t].item() / 2
            between = x_0 + (x_0 - past.x_0) * (h / (2 * h_past))
        signal_s, (noise_t, noise_s) = schedule.signal[s].item(), schedule.noise[[t, s]].tolist()
        return Transition(noise_s / noise_t * x_t - signal_s * math.expm1(-h) * between, x_0)
