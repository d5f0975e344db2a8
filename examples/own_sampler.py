"""A sampler of your own: a second-order Runge-Kutta method that evaluates the network between t and s.

A sampler is any object with `step`, which gets the denoiser and may call it as often as it likes. This one follows
x / (signal + noise), whose velocity in the time tau = noise / (signal + noise) is epsilon - x_0, for every schedule.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

import nevoa
from nevoa.diffusion import AnyDenoiser, Estimate
from nevoa.sampling import Past, Transition, estimate_at


class Midpoint:
    """Steps half of the way with the first velocity, and all of the way with the velocity found there.

    Timesteps are whole numbers, so the middle is not exact; the weights of the two velocities make up for it.
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
        schedule, middle = denoiser.process.schedule, (t + s) // 2
        signals, noises = (table[[t, middle, s]].tolist() for table in (schedule.signal, schedule.noise))
        scale, scale_middle, scale_s = (signal + noise for signal, noise in zip(signals, noises, strict=True))
        tau, tau_middle, tau_s = (n / (m + n) for m, n in zip(signals, noises, strict=True))
        first = estimate_at(denoiser, x_t, t)
        velocity = flow(first)
        if s < middle:
            x_middle = scale_middle * (x_t / scale + (tau_middle - tau) * velocity)
            share = (tau_s - tau) / (tau_middle - tau) / 2
            velocity = (1 - share) * velocity + share * flow(estimate_at(denoiser, x_middle, middle))
        return Transition(scale_s * (x_t / scale + (tau_s - tau) * velocity), first.x_0)


def flow(estimate: Estimate) -> Tensor:
    return estimate.epsilon - estimate.x_0


def main(folder: Path) -> str:
    images = nevoa.load().sample(16, sampler=Midpoint(), steps=6)
    nevoa.show(images).save(folder / "midpoint.png")
    return f"16 images in 6 steps of 2 evaluations: {folder / 'midpoint.png'}"


if __name__ == "__main__":
    print(main(Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp())))
