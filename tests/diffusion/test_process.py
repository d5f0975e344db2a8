"""The process against itself taken another way, and against Bayes' rule."""

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import SCHEDULES, GaussianProcess, NoiseSchedule, Schedule, named_schedule

NAMES: list[str] = ["linear", "quadratic", "sigmoid", "cosine"]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", NAMES)
def test_steps_composed_are_the_closed_form(name: str) -> None:
    """T single steps with noises e_1…e_T equal one draw whose epsilon is the sum of what is left of each."""
    schedule = NoiseSchedule.named(name, 30)
    process = GaussianProcess(schedule)
    x_0, noises = normal(2, 1, 4, 4), normal(30, 2, 1, 4, 4, seed=1)
    x_t, total = x_0, torch.zeros_like(x_0)
    for t in range(1, 31):
        t_of = torch.full((2,), t)
        x_t = process.forward_step(x_t, t_of, noises[t - 1])
        total = schedule.alpha[t].sqrt() * total + schedule.beta[t].sqrt() * noises[t - 1]
        epsilon = total / (1 - schedule.alpha_bar[t]).sqrt()
        torch.testing.assert_close(process.forward(x_0, t_of, epsilon), x_t, rtol=1e-10, atol=1e-10)


def test_variance_of_the_noise_composes_to_one_minus_alpha_bar() -> None:
    """The same without noise: what each step leaves of the variance, plus its beta."""
    schedule = NoiseSchedule.cosine(50)
    variance = 0.0
    for t in range(1, 51):
        variance = float(schedule.alpha[t]) * variance + float(schedule.beta[t])
        assert variance == pytest.approx(1 - float(schedule.alpha_bar[t]), rel=1e-9)


def bayes(schedule: Schedule, x_0: float, x_t: float, t: int, s: int) -> tuple[float, float]:
    """Mean and variance of x_s given x_0 and x_t, by conditioning the joint Gaussian of (x_s, x_t).

    x_t is a scaled x_s plus what the steps s + 1 … t add, one after the other.
    """
    signal, noise = schedule.signal.tolist(), schedule.noise.tolist()
    scale, added = 1.0, 0.0
    for step in range(s + 1, t + 1):
        ratio = signal[step] / signal[step - 1]
        scale, added = scale * ratio, ratio**2 * added + noise[step] ** 2 - ratio**2 * noise[step - 1] ** 2
    mean_s, var_s = signal[s] * x_0, noise[s] ** 2
    mean_t, var_t = scale * mean_s, scale**2 * var_s + added
    gain = scale * var_s / var_t
    return mean_s + gain * (x_t - mean_t), var_s - gain * scale * var_s


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("t", "s"), [(1, 0), (2, 1), (50, 49), (100, 99), (100, 0), (70, 20)])
def test_posterior_is_bayes_rule(name: str, t: int, s: int) -> None:
    schedule = named_schedule(name, 100)
    x_0, x_t = normal(5, 1, 2, 2), normal(5, 1, 2, 2, seed=1)
    mean, variance = GaussianProcess(schedule).posterior(x_0, x_t, torch.full((5,), t), torch.full((5,), s))
    for index in [(0, 0, 0, 0), (3, 0, 1, 0), (4, 0, 1, 1)]:
        expected_mean, expected_variance = bayes(schedule, float(x_0[index]), float(x_t[index]), t, s)
        assert float(mean[index]) == pytest.approx(expected_mean, rel=1e-8, abs=1e-10)
        assert float(variance[index[0]]) == pytest.approx(expected_variance, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("t", "s"), [(2, 1), (100, 99), (70, 20)])
def test_posterior_is_that_of_ho_et_al(name: str, t: int, s: int) -> None:
    """Equations 6 and 7 in their own tables, with the alpha of several steps the product of theirs."""
    schedule = NoiseSchedule.named(name, 100)
    kept_t, kept_s = schedule.alpha_bar[t], schedule.alpha_bar[s]
    alpha = schedule.alpha[s + 1 : t + 1].prod()
    x_0, x_t = normal(1, 4), normal(1, 4, seed=1)
    mean, variance = GaussianProcess(schedule).posterior(x_0, x_t, torch.tensor([t]), torch.tensor([s]))
    expected = (kept_s.sqrt() * (1 - alpha) * x_0 + alpha.sqrt() * (1 - kept_s) * x_t) / (1 - kept_t)
    torch.testing.assert_close(mean, expected, rtol=1e-9, atol=1e-9)
    assert variance.item() == pytest.approx(float((1 - kept_s) / (1 - kept_t) * (1 - alpha)), rel=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
def test_single_steps_compose_to_the_closed_form(name: str) -> None:
    """In scale and variance, read from forward_step itself: x = 1 without noise, then noise alone."""
    process, ones, zeros = (
        GaussianProcess(named_schedule(name, 30)),
        torch.ones(1, 1).double(),
        torch.zeros(1, 1).double(),
    )
    scale, variance = ones, 0.0
    for t in range(1, 31):
        now = torch.tensor([t])
        ratio = process.forward_step(ones, now, zeros).item()
        variance = ratio**2 * variance + process.forward_step(zeros, now, ones).item() ** 2
        scale = process.forward_step(scale, now, zeros)
        torch.testing.assert_close(scale, process.forward(ones, now, zeros), rtol=1e-10, atol=1e-15)
        assert variance**0.5 == pytest.approx(process.forward(zeros, now, ones).item(), rel=1e-10)


def test_posterior_goes_to_the_step_before_unless_told() -> None:
    process, t = GaussianProcess(NoiseSchedule.linear(100)), torch.tensor([1, 7, 100])
    x_0, x_t = normal(3, 4), normal(3, 4, seed=1)
    torch.testing.assert_close(process.posterior(x_0, x_t, t), process.posterior(x_0, x_t, t, t - 1))


def test_the_posterior_of_the_first_step_is_the_clean_image() -> None:
    process, x_0 = GaussianProcess(NoiseSchedule.linear()), normal(2, 4)
    mean, variance = process.posterior(x_0, normal(2, 4, seed=1), torch.tensor([1, 1]))
    torch.testing.assert_close(mean, x_0, rtol=1e-12, atol=1e-12)
    assert variance.abs().max() == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_posterior_mean_is_that_of_equation_11(name: str) -> None:
    """(x_t - beta / sqrt(1 - alpha_bar) epsilon) / sqrt(alpha)."""
    schedule = NoiseSchedule.named(name, 100)
    process, t = GaussianProcess(schedule), torch.tensor([1, 2, 50, 99])
    x_0, epsilon = normal(4, 3), normal(4, 3, seed=1)
    x_t = process.forward(x_0, t, epsilon)
    beta, alpha, alpha_bar = (table[t, None] for table in (schedule.beta, schedule.alpha, schedule.alpha_bar))
    expected = (x_t - beta / (1 - alpha_bar).sqrt() * epsilon) / alpha.sqrt()
    torch.testing.assert_close(process.posterior(x_0, x_t, t)[0], expected, rtol=1e-7, atol=1e-7)


def test_both_fixed_variances_bound_the_true_one() -> None:
    """beta_tilde < beta (Ho et al. 2020, section 3.2: the lower and upper bound on the reverse variance)."""
    process = GaussianProcess(NoiseSchedule.linear(100))
    t, x = torch.arange(1, 101), normal(100, 1)
    _, small = process.posterior(x, x, t)
    large = process.large_variance(t, t - 1, x)
    assert bool((small < large).all())
    torch.testing.assert_close(large.flatten(), NoiseSchedule.linear(100).beta[1:])


def test_float32_images_stay_float32() -> None:
    process, x = GaussianProcess(NoiseSchedule.linear(10)), torch.zeros(2, 1, 2, 2)
    assert process.forward(x, torch.tensor([1, 10]), x).dtype == torch.float32
    assert process.posterior(x, x, torch.tensor([1, 10]))[0].dtype == torch.float32
