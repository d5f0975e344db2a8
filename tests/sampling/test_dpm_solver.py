"""DPM-Solver++ is that of diffusers, step by step."""

from typing import Any

import pytest
import torch

from nevoa.diffusion import Denoiser, NoiseSchedule, PredictionName
from nevoa.sampling import DPMSolver
from tests.sampling.against_diffusers import LINEAR, THEIR_PREDICTION, our_steps
from tests.sampling.exact import network, noises


@pytest.mark.parametrize("steps", [1, 2, 5, 20, 50])
@pytest.mark.parametrize("spacing", ["linspace", "trailing"])
@pytest.mark.parametrize("prediction", ["epsilon", "v", "x0"])
def test_dpm_solver_is_that_of_diffusers(prediction: PredictionName, spacing: str, steps: int) -> None:
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

    options: dict[str, Any] = {"prediction_type": THEIR_PREDICTION[prediction], "timestep_spacing": spacing}
    theirs: Any = DPMSolverMultistepScheduler(**LINEAR, **options, final_sigmas_type="zero")
    theirs.set_timesteps(steps)
    x_t = noises(0, (2, 1, 4, 4))()
    grid = [t + 1 for t in theirs.timesteps.tolist()] + [0]
    denoiser = Denoiser(network, NoiseSchedule.linear(), prediction)
    expected = x_t
    for t, ours in zip(theirs.timesteps, our_steps(DPMSolver(), denoiser, x_t, grid), strict=True):
        expected = theirs.step(network(expected, (t + 1).expand(2)), t, expected).prev_sample
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
