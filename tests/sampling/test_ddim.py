"""DDIM is that of diffusers, and without fresh noise Euler's method, in sigma as in the time of rectified flow."""

from typing import Any

import pytest
import torch

from nevoa.diffusion import Denoiser, NoiseSchedule, PredictionName, RectifiedFlow
from nevoa.sampling import DDIM, DDPM, as_sampler
from tests.sampling.against_diffusers import LINEAR, THEIR_PREDICTION, our_steps
from tests.sampling.exact import network, noises


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("prediction", ["epsilon", "v", "x0"])
def test_ddim_is_that_of_diffusers(prediction: PredictionName, clip: bool, eta: float) -> None:
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    options: dict[str, Any] = {"prediction_type": THEIR_PREDICTION[prediction]}
    theirs: Any = DDIMScheduler(**LINEAR, **options, clip_sample=clip)
    theirs.set_timesteps(50)
    x_t, generator = noises(0, (2, 1, 4, 4))(), torch.Generator().manual_seed(1)
    grid = [t + 1 for t in theirs.timesteps.tolist()] + [0]
    denoiser = Denoiser(network, NoiseSchedule.linear(), prediction, clip)
    expected = x_t
    for t, ours in zip(theirs.timesteps, our_steps(DDIM(eta), denoiser, x_t, grid), strict=True):
        output = network(expected, (t + 1).expand(2))
        # With clipping they keep the unclipped epsilon by default; ours follows x_0, so that both make up x_t.
        expected = theirs.step(output, t, expected, eta, clip, generator).prev_sample
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


@pytest.mark.parametrize("spacing", ["trailing", "leading"])
@pytest.mark.parametrize("prediction", ["epsilon", "v"])
@pytest.mark.parametrize("steps", [5, 50])
def test_euler_is_that_of_diffusers(prediction: PredictionName, spacing: str, steps: int) -> None:
    """They step x_t / signal in sigma; ours steps x_t."""
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler

    options: dict[str, Any] = {"prediction_type": THEIR_PREDICTION[prediction], "timestep_spacing": spacing}
    theirs: Any = EulerDiscreteScheduler(**LINEAR, **options)
    theirs.set_timesteps(steps)
    grid = [int(t) + 1 for t in theirs.timesteps] + [0]
    schedule, x_t = NoiseSchedule.linear(), noises(0, (2, 1, 4, 4))()
    denoiser = Denoiser(network, schedule, prediction)
    expected = x_t / schedule.signal[grid[0]].float()
    ours = our_steps(as_sampler("euler"), denoiser, x_t, grid)
    for t, s, found in zip(theirs.timesteps, grid[1:], ours, strict=True):
        output = network(theirs.scale_model_input(expected, t), (t + 1).expand(2))
        expected = theirs.step(output, t, expected).prev_sample
        wanted = expected * schedule.signal[s].float()
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3 * float(wanted.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("steps", [28, 1000])
def test_euler_on_rectified_flow_is_that_of_diffusers(steps: int) -> None:
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

    theirs: Any = FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000)
    theirs.set_timesteps(steps)
    grid = [round(float(t)) for t in theirs.timesteps] + [0]
    expected = x_t = noises(0, (2, 1, 4, 4))()
    ours = our_steps(as_sampler("euler"), Denoiser(network, RectifiedFlow(1000), "flow"), x_t, grid)
    for t, s, found in zip(theirs.timesteps, grid[:-1], ours, strict=True):
        expected = theirs.step(network(expected, torch.full((2,), s)), t, expected).prev_sample
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_eta_1_is_ancestral_sampling_with_the_small_variance() -> None:
    denoiser, x_t = Denoiser(network, RectifiedFlow(10), "flow"), noises(0, (2, 1, 4, 4), torch.float64)()
    for ddim, ddpm in zip(
        our_steps(DDIM(1.0), denoiser, x_t, [10, 6, 3, 0]), our_steps(DDPM(), denoiser, x_t, [10, 6, 3, 0]), strict=True
    ):
        torch.testing.assert_close(ddim, ddpm, rtol=1e-9, atol=1e-9)
