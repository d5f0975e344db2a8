"""Heun's method for the probability-flow ODE (Karras et al. 2022, Algorithm 1)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from nevoa.diffusion import AnyDenoiser
from nevoa.sampling.sampler import Draw, Past, Transition, estimate_at


@dataclass(frozen=True)
class Heun:
    """Takes Euler's step, evaluates again where it ends, and goes with the mean of both velocities: second order.

    A step takes two evaluations, and one to the clean image, where epsilon is not defined: `2 steps - 1` in all.

    Karras et al. integrate in sigma = noise / signal, which is infinite where no signal is left. Here the time is that
    of rectified flow, tau = noise / (signal + noise), which runs from 0 to 1 for every schedule. In it,
    x / (signal + noise) has the velocity epsilon - x_0.

    Example:
        >>> images = model.sample(4, sampler=Heun(), steps=10)
    """

    default_steps: ClassVar[int] = 25

    def step(
        self, denoiser: AnyDenoiser, x_t: Tensor, t: int, s: int, noise: Draw, past: Past | None = None
    ) -> Transition:
        """Step from x_t to x_s, 0 <= s < t <= T. Draws no noise."""
        schedule = denoiser.process.schedule
        (signal_t, signal_s), (noise_t, noise_s) = schedule.signal[[t, s]].tolist(), schedule.noise[[t, s]].tolist()
        first = estimate_at(denoiser, x_t, t)
        x_s = signal_s * first.x_0 + noise_s * first.epsilon
        if s == 0:
            return Transition(x_s, first.x_0)
        second = estimate_at(denoiser, x_s, s)
        scale = signal_s + noise_s
        tau_step = noise_s / scale - noise_t / (signal_t + noise_t)
        change = (second.epsilon - second.x_0) - (first.epsilon - first.x_0)
        return Transition(x_s + scale * tau_step / 2 * change, first.x_0)
