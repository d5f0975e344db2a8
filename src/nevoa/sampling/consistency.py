"""The sampler of consistency models (Song et al. 2023, "Consistency Models")."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from nevoa.diffusion import AnyDenoiser
from nevoa.sampling.sampler import Past, Transition, estimate_at


@dataclass(frozen=True)
class Consistency:
    """Takes the estimated x_0 for the image and adds fresh noise to it, to estimate x_0 again from there (Algorithm 1).

    For models of `nevoa distill`, whose estimate of x_0 is an image at every t. That of other models is the mean of all
    images that x_t may come from, which is blurred.
    """

    def step(
        self,
        denoiser: AnyDenoiser,
        x_t: Tensor,
        t: int,
        s: int,
        noise: Callable[[], Tensor],
        past: Past | None = None,
    ) -> Transition:
        """Step from x_t to x_s with one evaluation, 0 <= s < t <= T; the step to 0 draws no noise."""
        x_0 = estimate_at(denoiser, x_t, t).x_0
        if s == 0:
            return Transition(x_0, x_0)
        schedule = denoiser.process.schedule
        return Transition(schedule.signal[s].item() * x_0 + schedule.noise[s].item() * noise(), x_0)
