"""DPM-Solver++ of second order, multistep (Lu et al. 2022, "DPM-Solver++", algorithm 2)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from nevoa.diffusion import Estimate, GaussianProcess
from nevoa.sampling.sampler import Past


@dataclass(frozen=True)
class DPMSolver:
    """Solves the probability flow in lambda = log_snr / 2, where x_0 changes slowly and the rest is solved exactly.

    The x_0 of a step is the line through this estimate and the last, taken in the middle of the step: second order
    for one evaluation. The first step and the one to the clean image, which is infinitely long in lambda, are of
    first order.
    """

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
        """x_s from x_t, 0 <= s < t <= T. TrainingNoise no noise."""
        if s == 0:
            return estimate.x_0
        schedule, x_0 = process.schedule, estimate.x_0
        lambda_t, lambda_s = (schedule.log_snr[[t, s]] / 2).tolist()
        h = lambda_s - lambda_t
        if past is not None:
            h_past = lambda_t - schedule.log_snr[past.t].item() / 2
            x_0 = x_0 + (x_0 - past.x_0) * (h / (2 * h_past))
        kept_t, kept_s = schedule.alpha_bar[[t, s]].tolist()
        return math.sqrt((1 - kept_s) / (1 - kept_t)) * x_t - math.sqrt(kept_s) * math.expm1(-h) * x_0
