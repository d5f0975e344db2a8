"""What the comparisons with diffusers share. Both sides draw the same noise, from generators of seed 1."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from nevoa.diffusion import Denoiser
from nevoa.sampling import Sampler, trajectory
from tests.sampling.exact import noises

LINEAR: dict[str, Any] = {"num_train_timesteps": 1000, "beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}
THEIR_PREDICTION = {"epsilon": "epsilon", "v": "v_prediction", "x0": "sample"}


def our_steps(sampler: Sampler, denoiser: Denoiser, x_t: Tensor, grid: list[int]) -> Iterator[Tensor]:
    """Every x_s after the first."""
    noise = noises(1, tuple(x_t.shape), x_t.dtype)
    for state in list(trajectory(denoiser, sampler, x_t, grid, noise))[1:]:
        yield state.x_t
