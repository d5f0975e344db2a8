"""Heun's method: on rectified flow that of diffusers, and two evaluations a step but for the last."""

from typing import Any

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import Denoiser, NoiseSchedule, RectifiedFlow
from nevoa.sampling import Heun
from tests.sampling.against_diffusers import our_steps
from tests.sampling.exact import network, noises


@pytest.mark.slow
@pytest.mark.parametrize("steps", [28, 1000])
def test_heun_on_rectified_flow_is_that_of_diffusers(steps: int) -> None:
    from diffusers.schedulers.scheduling_flow_match_heun_discrete import FlowMatchHeunDiscreteScheduler

    theirs: Any = FlowMatchHeunDiscreteScheduler(num_train_timesteps=1000)
    theirs.set_timesteps(steps)
    # Every timestep but the first stands there twice: once to correct, once to go on.
    grid = [round(float(t)) for t in theirs.timesteps[::2]] + [0]
    expected = x_t = noises(0, (2, 1, 4, 4))()
    ours = our_steps(Heun(), Denoiser(network, RectifiedFlow(1000), "flow"), x_t, grid)
    timesteps = iter(theirs.timesteps)
    for found, s in zip(ours, grid[1:], strict=True):
        for _ in range(1 if s == 0 else 2):
            t = next(timesteps)
            expected = theirs.step(network(expected, torch.full((2,), round(float(t)))), t, expected).prev_sample
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    assert next(timesteps, None) is None


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_step_takes_two_evaluations_but_for_the_last(steps: int) -> None:
    calls = []

    def counting(x_t: Tensor, t: Tensor) -> Tensor:
        calls.append(t[0].item())
        return network(x_t, t)

    grid = [10 * n for n in range(steps, -1, -1)]
    list(our_steps(Heun(), Denoiser(counting, NoiseSchedule.cosine(100), "v"), noises(0, (2, 1, 2, 2))(), grid))
    assert len(calls) == 2 * steps - 1


def test_with_a_constant_velocity_one_step_is_as_good_as_many() -> None:
    """Rectified flow whose paths are straight: x_t = (1 - t/T) x_0 + t/T epsilon with the true x_0 and epsilon."""
    x_0, epsilon = noises(1, (2, 1, 2, 2), torch.float64)(), noises(0, (2, 1, 2, 2), torch.float64)()
    denoiser = Denoiser(lambda x_t, t: epsilon - x_0, RectifiedFlow(100), "flow")
    for grid in ([100, 0], [100, 60, 10, 0]):
        *_, end = our_steps(Heun(), denoiser, epsilon, grid)
        torch.testing.assert_close(end, x_0, rtol=1e-12, atol=1e-12)
