"""At which timesteps a sampler evaluates the network: strictly decreasing grids from T to 0."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
from jaxtyping import Float64

from nevoa.diffusion import NoiseSchedule
from nevoa.vocabulary import SpacingName

# Karras et al. have 0.002 in SIGMA_MIN's place: below 0.04 hardly anything is left to see in 256 levels of gray, and a
# short grid's points are better spent elsewhere (docs/experiments.md).
SIGMA_MAX, SIGMA_MIN, RHO = 80.0, 0.04, 7.0
SPACINGS: tuple[SpacingName, ...] = get_args(SpacingName)


def timestep_grid(schedule: NoiseSchedule, steps: int, spacing: SpacingName = "trailing") -> list[int]:
    """`steps + 1` timesteps, strictly decreasing to 0, whatever the schedule. ValueError unless 1 <= steps <= T.

    Args:
        spacing: `trailing`, equal strides from T; `leading`, equal strides up from 1, so that it starts below T where
            steps < T, as many libraries do; `log_snr`, equal strides of the logarithm of the signal-to-noise ratio from
            T to 1 (Lu et al. 2022); `karras`, T and then equal strides of sigma^(1/7), where sigma is noise per signal,
            between fixed ends (Karras et al. 2022, equation 5).
    """
    timesteps = schedule.steps
    if not 1 <= steps <= timesteps:
        raise ValueError(f"steps is between 1 and {timesteps}, not {steps}")
    if spacing == "trailing":
        return [round(timesteps * (steps - i) / steps) for i in range(steps + 1)]
    if spacing == "leading":
        return [*(1 + timesteps // steps * (steps - 1 - i) for i in range(steps)), 0]
    # Minus infinity, of a schedule that ends in pure noise, has no strides: there the next value stands for it.
    log_snr = schedule.log_snr[1:].numpy()
    log_snr = log_snr.clip(min=log_snr[np.isfinite(log_snr)].min())
    wanted = np.linspace(log_snr[-1], log_snr[0], steps) if spacing == "log_snr" else _karras(steps)
    # log_snr falls with t: np.interp wants it rising. What lies beyond the schedule's ends falls on them.
    nearest = np.interp(wanted, log_snr[::-1], np.arange(timesteps, 0, -1))
    # Wherever the spacing's own end lies, what is drawn first is pure noise.
    return strictly_decreasing([timesteps, *np.round(nearest[1:]).astype(int).tolist(), 0])


def _karras(steps: int) -> Float64[np.ndarray, " steps"]:
    """log_snr, rising: that of sigma = sqrt((1 - alpha_bar) / alpha_bar), which is exp(-log_snr / 2)."""
    first, last = SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO)
    return -2 * RHO * np.log(np.linspace(first, last, steps))


def strictly_decreasing(grid: Sequence[int]) -> list[int]:
    """The grid with repeated timesteps moved apart: down as far as they must, then up where 0 is in the way.

    On steep schedules neighbouring points of a log-SNR grid fall on one timestep, and a step of length zero divides by
    zero.
    """
    apart = list(grid)
    for i in range(1, len(apart)):
        apart[i] = min(apart[i], apart[i - 1] - 1)
    for i in reversed(range(len(apart))):
        apart[i] = max(apart[i], len(apart) - 1 - i)
    return apart
