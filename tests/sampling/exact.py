"""The one case where the truth is known, Gaussian data, and a smooth network for comparing samplers."""

from collections.abc import Callable

import torch
from torch import Tensor

from nevoa.diffusion import Denoiser, Schedule

MEAN = torch.tensor([0.5, -0.3, 0.1, 0.0], dtype=torch.float64)
SPREAD = torch.tensor([[0.5, 0.2, 0, 0], [0, 0.4, 0.1, 0], [0, 0, 0.3, -0.2], [0, 0, 0, 0.6]], dtype=torch.float64)
COVARIANCE = SPREAD @ SPREAD.T


def noises(seed: int, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Callable[[], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(shape, generator=generator, dtype=dtype)


def network(x_t: Tensor, t: Tensor) -> Tensor:
    """Any smooth function of both."""
    return torch.tanh(0.7 * x_t) + 0.001 * t.view(-1, 1, 1, 1)


def exact_denoiser(schedule: Schedule, mean: Tensor = MEAN, covariance: Tensor = COVARIANCE) -> Denoiser:
    """E[x_0 | x_t] for x_0 ~ N(mean, covariance), from the joint Gaussian of x_0 and x_t."""

    def x_0_mean(x_t: Tensor, t: Tensor) -> Tensor:
        signal, noise = schedule.signal[t[0]], schedule.noise[t[0]]
        marginal = signal**2 * covariance + noise**2 * torch.eye(4, dtype=torch.float64)
        gain = signal * covariance @ torch.linalg.inv(marginal)
        return mean + (x_t - signal * mean) @ gain.T

    return Denoiser(x_0_mean, schedule, "x0")


def flowed(schedule: Schedule, x_t: Tensor, t: int, s: int) -> Tensor:
    """Where the probability flow takes x_t: along each axis it stays as many standard deviations off the mean."""
    values, axes = torch.linalg.eigh(COVARIANCE)
    (signal_t, signal_s), (noise_t, noise_s) = schedule.signal[[t, s]], schedule.noise[[t, s]]
    scale = ((signal_s**2 * values + noise_s**2) / (signal_t**2 * values + noise_t**2)).sqrt()
    return signal_s * MEAN + (x_t - signal_t * MEAN) @ axes @ torch.diag(scale) @ axes.T
