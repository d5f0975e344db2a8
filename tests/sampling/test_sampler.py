"""Every sampler in the loop, against the one case where the truth is known: Gaussian data."""

import math
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import AnyDenoiser, Denoiser, Estimate, NoiseSchedule, PredictionName, RectifiedFlow, Schedule
from nevoa.sampling import (
    DDIM,
    DDPM,
    SPACINGS,
    DPMSolver,
    Heun,
    ImageNoise,
    Past,
    Sampler,
    SpacingName,
    State,
    Transition,
    as_sampler,
    estimate_at,
    last,
    timestep_grid,
    trajectory,
)
from tests.sampling.exact import COVARIANCE, MEAN, exact_denoiser, flowed, network, noises


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sampler", "schedule", "steps"),
    [
        *((sampler, NoiseSchedule.linear(1000), 1000) for sampler in (DDPM("small"), DDPM("large"), DDIM(), DDIM(0.7))),
        (DPMSolver(), NoiseSchedule.linear(1000), 1000),
        *((sampler, RectifiedFlow(1000), 250) for sampler in (DDPM("small"), DDIM(), DPMSolver(), Heun())),
    ],
)
def test_gaussian_data_come_back(sampler: Sampler, schedule: Schedule, steps: int) -> None:
    """With the exact denoiser, samples have the mean and the covariance of the data."""
    mean, covariance = moments(exact_denoiser(schedule), sampler, timestep_grid(schedule, steps))
    torch.testing.assert_close(mean, MEAN, rtol=0, atol=0.003)
    torch.testing.assert_close(covariance, COVARIANCE, rtol=0, atol=0.01)


@pytest.mark.parametrize("side", [28, 64, 128])
def test_seven_shifted_steps_give_images_of_every_side_their_brightness(side: int) -> None:
    """Images of one brightness each, which has a standard deviation of 0.4, and that of the noise 1 / side.

    So x_T with a mean of 1 / side, one standard deviation, becomes an image with a mean of 0.4. Karras' grid makes the
    large ones too much alike.
    """
    schedule, spread = NoiseSchedule.cosine(1000), 0.4

    def x_0_mean(x_t: Tensor, t: Tensor) -> Tensor:
        signal, noise = schedule.signal[t[0]], schedule.noise[t[0]]
        gain = signal * spread**2 / (signal**2 * spread**2 + noise**2 / side**2)
        return (gain * x_t.mean()).expand_as(x_t)

    def brightness(spacing: SpacingName) -> float:
        x_T = torch.full((1, 1, side, side), 1 / side, dtype=torch.float64)
        grid = timestep_grid(schedule, 7, spacing, side**2)
        *_, end = trajectory(Denoiser(x_0_mean, schedule, "x0"), DPMSolver(), x_T, grid, lambda: torch.zeros_like(x_T))
        return float(end.x_t.mean()) / spread

    assert brightness("shifted") == pytest.approx(1.055, abs=0.005)
    assert brightness("karras") == pytest.approx({28: 1.053, 64: 0.855, 128: 0.597}[side], abs=0.005)


def moments(denoiser: Denoiser, sampler: Sampler, grid: list[int]) -> tuple[Tensor, Tensor]:
    """The mean and the covariance of samples, exactly: with this denoiser they are an affine function of the noises.

    The first row gets no noise, and so becomes the mean. Each other row gets a 1 in place of one number of one noise.
    """
    units = torch.eye(4 * len(grid), dtype=torch.float64).view(-1, len(grid), 4)
    rows = torch.cat([torch.zeros_like(units[:1]), units]).unbind(1)
    noise = iter(rows)
    *_, end = trajectory(denoiser, sampler, next(noise), grid, lambda: next(noise))
    responses = end.x_t[1:] - end.x_t[0]
    return end.x_t[0], responses.T @ responses


# The usual linear schedule in a hundred times as many steps.
FINE = NoiseSchedule(torch.cat([torch.zeros(1), torch.linspace(1e-6, 2e-4, 100_000)]).double())


@pytest.mark.slow
@pytest.mark.parametrize(("sampler", "order"), [(DDIM(), 1), (as_sampler("euler"), 1), (DPMSolver(), 2), (Heun(), 2)])
@pytest.mark.parametrize("schedule", [FINE, RectifiedFlow(200_000)])
def test_a_solver_converges_to_the_probability_flow_with_its_order(
    sampler: Sampler, order: int, schedule: Schedule
) -> None:
    """With twice the steps the error falls by two to the order; without the last step, which is of first order."""
    x_T = noises(0, (64, 4), torch.float64)()
    errors = []
    for steps in (16, 32, 64):
        whole = timestep_grid(schedule, steps + 1, "log_snr")[:-1]
        # From where x_T of the flow has some signal: log-SNR is infinite beyond.
        grid = whole if schedule is FINE else [round(200_000 * (0.99 - 0.97 * n / steps)) for n in range(steps + 1)]
        *_, end = trajectory(exact_denoiser(schedule), sampler, x_T, grid, lambda: x_T)
        errors.append(float((end.x_t - flowed(schedule, x_T, grid[0], grid[-1])).norm()))
    for coarse, fine in pairwise(errors):
        assert order - 0.3 < math.log2(coarse / fine) < order + 0.5


@pytest.mark.slow
@pytest.mark.parametrize("schedule", [RectifiedFlow(100_000), NoiseSchedule.cosine(100_000).with_zero_terminal_snr()])
def test_heun_is_of_second_order_from_pure_noise(schedule: Schedule) -> None:
    """Also in the step from T, where no signal is left and sigma is infinite."""
    x_T = noises(0, (64, 4), torch.float64)()
    errors = []
    for steps in (16, 32, 64, 128):
        grid = [100_000 - 90_000 * n // steps for n in range(steps + 1)]
        *_, end = trajectory(exact_denoiser(schedule), Heun(), x_T, grid, lambda: x_T)
        errors.append(float((end.x_t - flowed(schedule, x_T, grid[0], grid[-1])).norm()))
    for coarse, fine in pairwise(errors):
        assert 1.7 < math.log2(coarse / fine) < 2.5


STEEP = NoiseSchedule(torch.cat([torch.zeros(1), torch.full((1,), 0.5), torch.full((18,), 0.99)]).double())


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("sampler", [DDPM(), DDIM(), DDIM(1.0), DPMSolver(), Heun()])
def test_a_steep_schedule_makes_no_nan(sampler: Sampler, spacing: SpacingName) -> None:
    for schedule in (STEEP, STEEP.with_zero_terminal_snr(), NoiseSchedule.cosine(19).with_zero_terminal_snr()):
        for steps in (1, 2, 5, 10, 19):
            noise, grid = noises(0, (2, 1, 2, 2)), timestep_grid(schedule, steps, spacing)
            *_, end = trajectory(Denoiser(network, schedule, "v"), sampler, noise(), grid, noise)
            assert end.x_t.isfinite().all()


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("sampler", [DDPM(), DDPM("large"), DDIM(), DDIM(1.0), DPMSolver(), Heun()])
@pytest.mark.parametrize("prediction", ["x0", "flow"])
def test_every_sampler_steps_along_rectified_flow(
    sampler: Sampler, spacing: SpacingName, prediction: PredictionName
) -> None:
    """However few the timesteps, with no NaN where the signal ends; a network that knows the image ends there."""
    x_0 = torch.full((2, 1, 2, 2), 0.3)
    for timesteps, steps in ((2, 1), (2, 2), (20, 1), (20, 5), (20, 20)):
        noise, schedule = noises(0, (2, 1, 2, 2)), RectifiedFlow(timesteps)

        def knowing(x_t: Tensor, t: Tensor, timesteps: int = timesteps) -> Tensor:
            return x_0 if prediction == "x0" else (x_t - x_0) / (t / timesteps).view(-1, 1, 1, 1)

        grid = timestep_grid(schedule, steps, spacing)
        *_, end = trajectory(Denoiser(knowing, schedule, prediction), sampler, noise(), grid, noise)
        torch.testing.assert_close(end.x_t, x_0, rtol=1e-4, atol=1e-4)


def test_a_trajectory_is_every_state_from_noise_to_image() -> None:
    denoiser, x_T = Denoiser(network, NoiseSchedule.linear(10), "x0"), torch.randn(2, 1, 2, 2)
    states = list(
        trajectory(denoiser, DDPM(), x_T, timestep_grid(NoiseSchedule.linear(10), 10), noises(0, (2, 1, 2, 2)))
    )
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


class Midpoint:
    """A second-order single-step sampler from outside: it evaluates again at the timestep between."""

    def step(
        self, denoiser: AnyDenoiser, x_t: Tensor, t: int, s: int, noise: Callable[[], Tensor], past: Past | None = None
    ) -> Transition:
        schedule, middle = denoiser.process.schedule, (t + s) // 2
        x_0, epsilon = estimate_at(denoiser, x_t, t)
        there = schedule.signal[middle].item() * x_0 + schedule.noise[middle].item() * epsilon
        between = estimate_at(denoiser, there, middle)
        tau = schedule.noise / (schedule.signal + schedule.noise)
        scales = schedule.signal + schedule.noise
        velocity = between.epsilon - between.x_0
        return Transition(scales[s].item() * (x_t / scales[t].item() + (tau[s] - tau[t]).item() * velocity), x_0)


@pytest.mark.slow
def test_a_sampler_from_outside_may_evaluate_twice() -> None:
    """The midpoint rule is at least of second order, as it should be."""
    schedule, x_T = RectifiedFlow(2**17), noises(0, (64, 4), torch.float64)()
    errors = []
    for steps in (16, 32, 64):
        grid = [2**17 - 2**13 * 15 * n // steps for n in range(steps + 1)]
        *_, end = trajectory(exact_denoiser(schedule), Midpoint(), x_T, grid, lambda: x_T)
        errors.append(float((end.x_t - flowed(schedule, x_T, grid[0], grid[-1])).norm()))
    for coarse, fine in pairwise(errors):
        assert math.log2(coarse / fine) > 1.7


OBSERVED, OBSERVATION_NOISE = 1.2, 0.3


class Observing:
    """Guidance by a gradient from outside: the score of an observed x_0[0] + noise is added to epsilon.

    p(y | x_t) is a Gaussian around the estimated x_0[0]; its mean is differentiated through the denoiser.
    """

    def __init__(self, denoiser: Denoiser):
        self.denoiser, self.process = denoiser, denoiser.process

    def __call__(self, x_t: Tensor, t: Tensor) -> Estimate:
        signal, noise = (table[t[0]] for table in (self.process.schedule.signal, self.process.schedule.noise))
        marginal = signal**2 * COVARIANCE + noise**2 * torch.eye(4, dtype=torch.float64)
        left = (COVARIANCE - signal**2 * COVARIANCE @ torch.linalg.inv(marginal) @ COVARIANCE)[0, 0]
        with torch.enable_grad():
            x = x_t.detach().requires_grad_()
            x_0, epsilon = self.denoiser(x, t)
            log_likelihood = -((OBSERVED - x_0[:, 0]) ** 2).sum() / (2 * (left + OBSERVATION_NOISE**2))
            (score,) = torch.autograd.grad(log_likelihood, x)
        return Estimate(x_0 + noise**2 / signal * score, epsilon - noise * score)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [DDPM(), DPMSolver(), Heun()])
def test_a_denoiser_may_guide_by_a_gradient(sampler: Sampler) -> None:
    """Samples are then of p(x_0 | y), which is known in closed form."""
    schedule, noise = NoiseSchedule.linear(1000), noises(0, (20_000, 4), torch.float64)
    guided = Observing(exact_denoiser(schedule))
    *_, end = trajectory(guided, sampler, noise(), timestep_grid(schedule, 250, "log_snr"), noise)
    gain = COVARIANCE[:, 0] / (COVARIANCE[0, 0] + OBSERVATION_NOISE**2)
    assert not end.x_t.requires_grad
    torch.testing.assert_close(end.x_t.mean(0), MEAN + gain * (OBSERVED - MEAN[0]), rtol=0, atol=0.02)
    torch.testing.assert_close(end.x_t.T.cov(), COVARIANCE - torch.outer(gain, COVARIANCE[0]), rtol=0, atol=0.02)


def test_no_gradient_outlives_its_step() -> None:
    """A denoiser that returns tensors with a graph does not chain the steps together."""
    weight = torch.ones((), requires_grad=True)

    def network(x_t: Tensor, t: Tensor) -> Tensor:
        with torch.enable_grad():
            return weight * x_t

    noise = noises(0, (2, 1, 2, 2))
    for state in trajectory(Denoiser(network, RectifiedFlow(10), "x0"), DPMSolver(), noise(), [10, 5, 1, 0], noise):
        assert not state.x_t.requires_grad
        assert not state.x_0_hat.requires_grad
    assert torch.is_grad_enabled()
