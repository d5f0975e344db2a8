"""Timestep grids: where a sampler evaluates the network, strictly decreasing from T to 0."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import torch
from jaxtyping import Float64

from nevoa.config.names import SpacingName
from nevoa.diffusion import Schedule, log_snr_of, noise_scale, steps_of

# Karras et al. 2022 use 0.002 for SIGMA_MIN. Below 0.04 the noise is hardly visible in 256 levels, and the points of a
# short grid are better spent elsewhere (docs/experiments.md).
SIGMA_MAX, SIGMA_MIN, RHO = 80.0, 0.04, 7.0
SPACINGS: tuple[SpacingName, ...] = get_args(SpacingName)


def timestep_grid(schedule: Schedule, steps: int, spacing: SpacingName = "trailing", pixels: int = 1) -> list[int]:
    """Return `steps + 1` timesteps, strictly decreasing to 0.

    Args:
        spacing: `trailing`, equal strides from T; `leading`, equal strides up from 1, so that the grid starts below T
            if steps < T; `log_snr`, equal strides of the logarithm of the signal-to-noise ratio (Lu et al. 2022);
            `karras`, equal strides of sigma^(1/7), sigma = noise / signal, between fixed ends (Karras et al. 2022,
            equation 5); `shifted`, the same with all sigma times the `noise_scale` of the pixels; `angle`, equal
            strides of arctan(noise / signal), so that the second of two steps starts from as much noise as signal. All
            but `leading` start at T.
        pixels: of an image, height times width.

    Raises:
        ValueError: unless 1 <= steps <= T.

    Example:
        >>> timestep_grid(NoiseSchedule.cosine(1000), 4)
        [1000, 750, 500, 250, 0]
    """
    timesteps = steps_of(schedule)
    if not 1 <= steps <= timesteps:
        raise ValueError(f"steps must be between 1 and {timesteps}, not {steps}")
    if spacing == "trailing":
        return [round(timesteps * (steps - i) / steps) for i in range(steps + 1)]
    if spacing == "leading":
        return [*(1 + timesteps // steps * (steps - 1 - i) for i in range(steps)), 0]
    if spacing == "angle":
        angle = torch.atan2(schedule.noise, schedule.signal).numpy()
        wanted = angle[-1] * np.linspace(1, 0, steps + 1)
        return strictly_decreasing(np.round(np.interp(wanted, angle, np.arange(timesteps + 1))).astype(int).tolist())
    # The first of seven steps ends at sigma = 35, where the brightness of a large image is decided already. Shifted,
    # the distance at 128x128 is 0.94 instead of 2.40 (docs/experiments.md).
    scale = noise_scale(pixels) if spacing == "shifted" else 1.0
    # Where no signal is left at T, the log-SNR is minus infinity: the next value takes its place.
    log_snr = log_snr_of(schedule)[1:].numpy()
    log_snr = log_snr.clip(min=log_snr[np.isfinite(log_snr)].min())
    wanted = np.linspace(log_snr[-1], log_snr[0], steps) if spacing == "log_snr" else _karras(steps, scale)
    # np.interp needs rising values, and log_snr falls with t. Points outside the schedule go to its ends.
    nearest = np.interp(wanted, log_snr[::-1], np.arange(timesteps, 0, -1))
    # The first images are pure noise wherever the spacing starts, so they belong to T.
    return strictly_decreasing([timesteps, *np.round(nearest[1:]).astype(int).tolist(), 0])


def _karras(steps: int, scale: float) -> Float64[np.ndarray, " steps"]:
    """Return rising log-SNRs: log_snr is -2 log(sigma)."""
    first, last = ((scale * sigma) ** (1 / RHO) for sigma in (SIGMA_MAX, SIGMA_MIN))
    return -2 * RHO * np.log(np.linspace(first, last, steps))


def strictly_decreasing(grid: Sequence[int]) -> list[int]:
    """Move repeated timesteps apart: down as far as needed, then up where 0 is in the way.

    On a steep schedule neighbouring points of a log-SNR grid fall on one timestep, and a step of length zero would
    divide by zero.
    """
    apart = list(grid)
    for i in range(1, len(apart)):
        apart[i] = min(apart[i], apart[i - 1] - 1)
    for i in reversed(range(len(apart))):
        apart[i] = max(apart[i], len(apart) - 1 - i)
    return apart
