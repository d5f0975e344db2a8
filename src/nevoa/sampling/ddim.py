"""The sampler of Song, Meng and Ermon 2021, and with it Euler's method."""

import math
from dataclasses import dataclass

from torch import Tensor

from nevoa.diffusion import AnyDenoiser
from nevoa.sampling.sampler import Draw, Past, Transition, estimate_at


@dataclass(frozen=True)
class DDIM:
    """Combines the estimated x_0 and epsilon anew: x_s = signal_s x_0 + noise_s epsilon (equation 12).

    Without fresh noise this is Euler's method for the probability-flow ODE, both in sigma = noise / signal (Karras et
    al. 2022) and in the time of rectified flow.

    Args:
        eta: scale of the standard deviation of fresh noise (equation 16): 0 adds none, 1 is ancestral sampling with the
            small variance.

    Example:
        >>> images = model.sample(4, sampler=DDIM(eta=0.5), steps=20)
    """

    eta: float = 0.0

    def step(
        self, denoiser: AnyDenoiser, x_t: Tensor, t: int, s: int, noise: Draw, past: Past | None = None
    ) -> Transition:
        """Step from x_t to x_s with one evaluation, 0 <= s < t <= T."""
        x_0, epsilon = estimate_at(denoiser, x_t, t)
        schedule = denoiser.process.schedule
        (signal_t, signal_s), (noise_t, noise_s) = schedule.signal[[t, s]].tolist(), schedule.noise[[t, s]].tolist()
        added = noise_t**2 - (signal_t / signal_s * noise_s) ** 2
        fresh = (self.eta * noise_s / noise_t) ** 2 * added
        x_s = signal_s * x_0 + math.sqrt(max(0.0, noise_s**2 - fresh)) * epsilon
        return Transition(x_s + math.sqrt(fresh) * noise() if fresh else x_s, x_0)


def euler() -> DDIM:
    """Euler's method, which is DDIM without fresh noise."""
    return DDIM()
