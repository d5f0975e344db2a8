"""With the exact consistency function, any number of steps draws from the distribution of the data."""

import pytest
import torch

from nevoa.diffusion import Denoiser, NoiseSchedule, RectifiedFlow, Schedule
from nevoa.sampling import Consistency, timestep_grid, trajectory
from tests.sampling.exact import COVARIANCE, MEAN, flowed, noises


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("schedule", [NoiseSchedule.cosine(1000), RectifiedFlow(1000)])
def test_images_are_distributed_as_the_data_are(schedule: Schedule, steps: int) -> None:
    denoiser = Denoiser(lambda x_t, t: flowed(schedule, x_t, int(t[0]), 0), schedule, "x0")
    noise = noises(0, (40_000, 4), torch.float64)
    *_, end = trajectory(denoiser, Consistency(), noise(), timestep_grid(schedule, steps), noise)
    torch.testing.assert_close(end.x_t.mean(0), MEAN, rtol=0, atol=0.02)
    torch.testing.assert_close(end.x_t.T.cov(), COVARIANCE, rtol=0, atol=0.02)


def test_each_step_but_the_last_draws_fresh_noise() -> None:
    schedule, drawn = NoiseSchedule.cosine(1000), []
    denoiser = Denoiser(lambda x_t, t: flowed(schedule, x_t, int(t[0]), 0), schedule, "x0")
    noise = noises(0, (3, 4), torch.float64)

    def counted() -> torch.Tensor:
        drawn.append(noise())
        return drawn[-1]

    states = list(trajectory(denoiser, Consistency(), noise(), [1000, 600, 300, 0], counted))
    assert len(drawn) == 2
    for state, epsilon, before in zip(states[1:], drawn, states, strict=False):
        signal, scale = schedule.signal[state.t], schedule.noise[state.t]
        torch.testing.assert_close(state.x_t, signal * before.x_0_hat + scale * epsilon)
