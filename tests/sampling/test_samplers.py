"""Samplers against diffusers step by step, and against the one case where the truth is known: Gaussian data."""

import math
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nevoa.diffusion import Denoiser, Estimate, GaussianProcess, NoiseSchedule, PredictionName, ScheduleName
from nevoa.model import last
from nevoa.sampling import (
    DDIM,
    DDPM,
    DPMSolver,
    ImageNoise,
    Sampler,
    SpacingName,
    State,
    VarianceName,
    timestep_grid,
    trajectory,
)
from nevoa.sampling.timesteps import SIGMA_MIN, SPACINGS

LINEAR: dict[str, Any] = {"num_train_timesteps": 1000, "beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}
THEIR_PREDICTION = {"epsilon": "epsilon", "v": "v_prediction", "x0": "sample"}


def noises(seed: int, shape: tuple[int, ...]) -> Callable[[], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(shape, generator=generator)


def network(x_t: Tensor, t: Tensor) -> Tensor:
    """Any smooth function of both."""
    return torch.tanh(0.7 * x_t) + 0.001 * t.view(-1, 1, 1, 1)


def our_steps(sampler: Sampler, denoiser: Denoiser, x_t: Tensor, grid: list[int]) -> Iterator[Tensor]:
    noise = noises(1, tuple(x_t.shape))
    for state in list(trajectory(denoiser, sampler, x_t, grid, noise))[1:]:
        yield state.x_t


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
        # With clipping they keep the unclipped epsilon unless told; ours follows x_0, so that both make up x_t.
        expected = theirs.step(output, t, expected, eta, clip, generator).prev_sample
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


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


MEAN = torch.tensor([0.5, -0.3, 0.1, 0.0], dtype=torch.float64)
SPREAD = torch.tensor([[0.5, 0.2, 0, 0], [0, 0.4, 0.1, 0], [0, 0, 0.3, -0.2], [0, 0, 0, 0.6]], dtype=torch.float64)
COVARIANCE = SPREAD @ SPREAD.T


def exact_denoiser(schedule: NoiseSchedule) -> Denoiser:
    """E[x_0 | x_t] for x_0 ~ N(MEAN, COVARIANCE), from the joint Gaussian of x_0 and x_t."""

    def x_0_mean(x_t: Tensor, t: Tensor) -> Tensor:
        kept = schedule.alpha_bar[t[0]]
        marginal = kept * COVARIANCE + (1 - kept) * torch.eye(4, dtype=torch.float64)
        gain = kept.sqrt() * COVARIANCE @ torch.linalg.inv(marginal)
        return MEAN + (x_t - kept.sqrt() * MEAN) @ gain.T

    return Denoiser(x_0_mean, schedule, "x0")


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [DDPM("small"), DDPM("large"), DDIM(), DDIM(0.7), DPMSolver()])
def test_gaussian_data_come_back(sampler: Sampler) -> None:
    """With the exact denoiser, samples have the mean and the covariance of the data."""
    denoiser, generator = exact_denoiser(NoiseSchedule.linear(1000)), torch.Generator().manual_seed(0)

    def noise() -> Tensor:
        return torch.randn(40_000, 4, generator=generator, dtype=torch.float64)

    *_, end = trajectory(denoiser, sampler, noise(), timestep_grid(denoiser.schedule, 1000), noise)
    # 40,000 draws: a mean is off by 0.003, a covariance by 0.004 (one standard error at variance 0.4).
    torch.testing.assert_close(end.x_t.mean(0), MEAN, rtol=0, atol=0.015)
    torch.testing.assert_close(end.x_t.T.cov(), COVARIANCE, rtol=0, atol=0.02)


# The usual linear schedule in a hundred times as many steps.
FINE = NoiseSchedule(torch.cat([torch.zeros(1), torch.linspace(1e-6, 2e-4, 100_000)]).double())


def flowed(schedule: NoiseSchedule, x_t: Tensor, t: int, s: int) -> Tensor:
    """Where the probability flow takes x_t: what lies how many standard deviations off along each axis stays so."""
    values, axes = torch.linalg.eigh(COVARIANCE)
    (kept_t, kept_s), mean = schedule.alpha_bar[[t, s]], MEAN
    scale = ((kept_s * values + 1 - kept_s) / (kept_t * values + 1 - kept_t)).sqrt()
    return kept_s.sqrt() * mean + (x_t - kept_t.sqrt() * mean) @ axes @ torch.diag(scale) @ axes.T


@pytest.mark.parametrize(("sampler", "order"), [(DDIM(), 1), (DPMSolver(), 2)])
def test_a_solver_converges_to_the_probability_flow_with_its_order(sampler: Sampler, order: int) -> None:
    """Twice the steps, the error over two to the order; up to the last step, which is of first order for all."""
    schedule = FINE
    x_T = torch.randn(64, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    errors = []
    for steps in (16, 32, 64):
        grid = timestep_grid(schedule, steps + 1, "log_snr")[:-1]
        *_, end = trajectory(exact_denoiser(schedule), sampler, x_T, grid, lambda: x_T)
        errors.append(float((end.x_t - flowed(schedule, x_T, grid[0], grid[-1])).norm()))
    for coarse, fine in pairwise(errors):
        assert order - 0.3 < math.log2(coarse / fine) < order + 0.5


STEEP = NoiseSchedule(torch.cat([torch.zeros(1), torch.full((1,), 0.5), torch.full((18,), 0.99)]).double())


@given(
    schedule=st.sampled_from(["linear", "quadratic", "sigmoid", "cosine"]),
    timesteps=st.integers(2, 3000),
    share=st.floats(0, 1),
    spacing=st.sampled_from(SPACINGS),
)
def test_the_grid_falls_strictly_to_0(
    schedule: ScheduleName, timesteps: int, share: float, spacing: SpacingName
) -> None:
    steps = max(1, round(share * timesteps))
    grid = timestep_grid(NoiseSchedule.named(schedule, timesteps), steps, spacing)
    assert (grid[-1], len(grid)) == (0, steps + 1)
    assert all(t > s for t, s in pairwise(grid))
    assert grid[0] == timesteps or spacing == "leading"


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("sampler", [DDPM(), DDIM(), DDIM(1.0), DPMSolver()])
def test_a_steep_schedule_makes_no_nan(sampler: Sampler, spacing: SpacingName) -> None:
    for schedule in (STEEP, STEEP.with_zero_terminal_snr(), NoiseSchedule.cosine(19).with_zero_terminal_snr()):
        for steps in (1, 2, 5, 10, 19):
            noise, grid = noises(0, (2, 1, 2, 2)), timestep_grid(schedule, steps, spacing)
            *_, end = trajectory(Denoiser(network, schedule, "v"), sampler, noise(), grid, noise)
            assert end.x_t.isfinite().all()


def test_a_log_snr_grid_is_even_where_the_schedule_lets_it_be() -> None:
    strides = FINE.log_snr[timestep_grid(FINE, 11, "log_snr")[:-1]].diff()
    assert strides.max() / strides.min() < 1.05


def test_a_karras_grid_is_even_in_the_seventh_root_of_sigma() -> None:
    sigma = (-FINE.log_snr[timestep_grid(FINE, 11, "karras")[1:-1]] / 2).exp()
    strides = -(sigma ** (1 / 7)).diff()
    assert strides.min() > 0
    assert strides.max() / strides.min() < 1.05
    assert sigma[-1] == pytest.approx(SIGMA_MIN, rel=0.02)


@pytest.mark.parametrize("steps", [0, -1, 101])
def test_a_grid_that_cannot_be_is_refused(steps: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 100"):
        timestep_grid(NoiseSchedule.linear(100), steps)


def test_no_noise_on_the_last_step() -> None:
    process, x = GaussianProcess(NoiseSchedule.linear(10)), torch.ones(1, 1, 2, 2)

    def forbidden() -> Tensor:
        raise AssertionError("noise was drawn")

    x_0 = DDPM("large").step(process, x, Estimate(0.5 * x, x), 4, 0, forbidden)
    torch.testing.assert_close(x_0, 0.5 * x)


def test_a_trajectory_is_every_state_from_noise_to_image() -> None:
    denoiser, x_T = Denoiser(network, NoiseSchedule.linear(10), "x0"), torch.randn(2, 1, 2, 2)
    states = list(trajectory(denoiser, DDPM(), x_T, timestep_grid(denoiser.schedule, 10), noises(0, (2, 1, 2, 2))))
    assert [state.t for state in states] == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert states[0].x_t is x_T
    assert states[-1].x_t is states[-1].x_0_hat


def test_the_end_of_a_trajectory_is_found_without_keeping_it() -> None:
    alive = []

    def states() -> Iterator[State]:
        for t in (2, 1, 0):
            state = State(torch.zeros(1, 1, 1, 1), t, torch.zeros(1, 1, 1, 1))
            alive.append(weakref.ref(state))
            yield state
            del state
            assert sum(reference() is not None for reference in alive) <= 1

    assert last(states()).t == 0


def test_image_n_of_a_seed_does_not_depend_on_the_others() -> None:
    many, few = ImageNoise(3, 0, 10, (1, 4, 4)), ImageNoise(3, 6, 2, (1, 4, 4))
    for _ in range(3):
        torch.testing.assert_close(many()[6:8], few(), rtol=0, atol=0)
    assert (ImageNoise(4, 6, 2, (1, 4, 4))() != ImageNoise(3, 6, 2, (1, 4, 4))()).any()
