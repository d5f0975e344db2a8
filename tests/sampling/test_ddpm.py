"""DDPM is that of diffusers, step by step."""

from typing import Any

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import Denoiser, NoiseSchedule, PredictionName
from nevoa.sampling import DDPM, VarianceName
from tests.sampling.against_diffusers import LINEAR, THEIR_PREDICTION, our_steps
from tests.sampling.exact import network, noises


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1000, 50])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("prediction", ["epsilon", "v", "x0"])
@pytest.mark.parametrize("variance", ["small", "large"])
def test_ddpm_is_that_of_diffusers(variance: VarianceName, prediction: PredictionName, clip: bool, steps: int) -> None:
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    options: dict[str, Any] = {"variance_type": f"fixed_{variance}", "prediction_type": THEIR_PREDICTION[prediction]}
    theirs: Any = DDPMScheduler(**LINEAR, **options, clip_sample=clip)
    theirs.set_timesteps(steps)
    x_t, generator = noises(0, (2, 1, 4, 4))(), torch.Generator().manual_seed(1)
    # Their timesteps start at 0, and their last stride ends at the clean image.
    grid = [t + 1 for t in theirs.timesteps.tolist()] + [0]
    denoiser = Denoiser(network, NoiseSchedule.linear(), prediction, clip)
    expected = x_t
    for t, ours in zip(theirs.timesteps, our_steps(DDPM(variance), denoiser, x_t, grid), strict=True):
        output = network(expected, (t + 1).expand(2))
        expected = theirs.step(output, t, expected, generator=generator).prev_sample
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_no_noise_on_the_last_step() -> None:
    x = torch.ones(1, 1, 2, 2)

    def forbidden() -> Tensor:
        raise AssertionError("noise was drawn")

    denoiser = Denoiser(lambda x_t, t: 0.5 * x_t, NoiseSchedule.linear(10), "x0")
    torch.testing.assert_close(DDPM("large").step(denoiser, x, 4, 0, forbidden).x_s, 0.5 * x)
