"""Bits per dimension against what they are for Gaussian data with the exact denoiser."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from nevoa.diffusion import Denoiser, NoiseSchedule, RectifiedFlow, Schedule, steps_of
from nevoa.evaluation.likelihood import estimate_bound, log_decoder, prior_bits, term
from nevoa.sampling import VarianceName

SCALE = 0.25
T = 200


def gaussian_pixels(count: int, side: int = 16) -> Tensor:
    """8-bit images whose pixels are independent N(0, SCALE^2)."""
    values = SCALE * np.random.default_rng(0).standard_normal((count, 1, side, side))
    levels = np.clip(np.round((values + 1) * 127.5), 0, 255)
    return torch.from_numpy(levels / 127.5 - 1).float()


def exact_denoiser(schedule: Schedule) -> Denoiser:
    """E[x_0 | x_t] when x_0 is N(0, SCALE^2)."""

    def network(x_t: Tensor, t: Tensor) -> Tensor:
        signal, noise = (table[t].view(-1, 1, 1, 1) for table in (schedule.signal, schedule.noise))
        return (signal * SCALE**2 / (signal**2 * SCALE**2 + noise**2) * x_t).float()

    return Denoiser(network, schedule, "x0")


def steps_of_variance(schedule: Schedule) -> tuple[np.ndarray, ...]:
    """Of the steps t = 1 … T: what each adds, the posterior's variance, and its share of x_0."""
    signal, noise = schedule.signal.numpy(), schedule.noise.numpy()
    added = noise[1:] ** 2 - (signal[1:] / signal[:-1] * noise[:-1]) ** 2
    return added, added * (noise[:-1] / noise[1:]) ** 2, signal[:-1] * added / noise[1:] ** 2


def all_terms(
    denoiser: Denoiser, images: Tensor, variance: VarianceName = "small", seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The mean term at each timestep 1 … T, with one sample of the noise, and the bound of each image."""
    noise, total, bits = torch.Generator().manual_seed(seed), prior_bits(denoiser.process, images), []
    for t in range(1, steps_of(denoiser.process.schedule) + 1):
        epsilon = torch.randn(images.shape, generator=noise)
        terms = term(denoiser, images, torch.full((len(images),), t), epsilon, variance)
        bits.append(terms.mean().item())
        total = total + terms
    return np.array(bits), total.numpy()


def closed_form(schedule: Schedule, variance: VarianceName) -> np.ndarray:
    """Terms t = 2 … T in bits: the posterior's mean is missed by its share of x_0 times the least mean square error."""
    signal, noise = schedule.signal.numpy()[2:], schedule.noise.numpy()[2:]
    added, small, share = (values[1:] for values in steps_of_variance(schedule))
    missed = SCALE**2 * noise**2 / (signal**2 * SCALE**2 + noise**2)
    spread = added if variance == "large" else small
    return (np.log(spread / small) + (small + share**2 * missed) / spread - 1) / 2 / math.log(2)


def decoder_closed_form(schedule: Schedule) -> float:
    """The term t = 1 in bits: -log2 of the decoder's mass, averaged over x_0 and the noise on a fine grid of both."""
    signal, sigma_1 = schedule.signal[1].item(), schedule.noise[1].item()
    sigma = math.sqrt(steps_of_variance(schedule)[1][1])
    levels = np.arange(256) / 127.5 - 1
    weights = np.diff(norm.cdf(np.concatenate([[-np.inf], (levels[:-1] + levels[1:]) / 2, [np.inf]]) / SCALE))
    noise, share = np.polynomial.hermite_e.hermegauss(60)
    x_t = signal * levels[:, None] + sigma_1 * noise
    mean = signal * SCALE**2 / (signal**2 * SCALE**2 + sigma_1**2) * x_t
    high = np.where(levels[:, None] == levels[-1], np.inf, (levels[:, None] + 1 / 255 - mean) / sigma)
    low = np.where(levels[:, None] == levels[0], -np.inf, (levels[:, None] - 1 / 255 - mean) / sigma)
    # Right of the mean by the survival function: there the distribution function rounds to 1.
    mass = -np.log2(np.where(low > 0, norm.sf(low) - norm.sf(high), norm.cdf(high) - norm.cdf(low)))
    return float((weights[:, None] * mass * share).sum() / share.sum())


def entropy() -> float:
    """Of a pixel, in bits: no code is shorter."""
    edges = (np.arange(255) + 0.5) / 127.5 - 1
    mass = np.diff(norm.cdf(np.concatenate([[-np.inf], edges, [np.inf]]) / SCALE))
    return float(-(mass * np.log2(mass)).sum())


@pytest.mark.slow
@pytest.mark.parametrize("schedule", [NoiseSchedule.linear(T), RectifiedFlow(T)])
@pytest.mark.parametrize("variance", ["small", "large"])
def test_every_term_equals_its_closed_form(variance: VarianceName, schedule: Schedule) -> None:
    bits, _ = all_terms(exact_denoiser(schedule), gaussian_pixels(64), variance)
    np.testing.assert_allclose(bits[1:], closed_form(schedule, variance), rtol=0.06)
    np.testing.assert_allclose(bits[1:].sum(), closed_form(schedule, variance).sum(), rtol=0.005)
    assert bits[0] == pytest.approx(decoder_closed_form(schedule), rel=0.01)


@pytest.mark.slow
def test_both_ways_to_the_bound_agree_within_their_errors_and_lie_just_above_the_entropy() -> None:
    schedule = NoiseSchedule.linear(1000)
    denoiser, images = exact_denoiser(schedule), gaussian_pixels(128, side=8)
    _, whole = all_terms(denoiser, images[:16], "large")
    estimate = estimate_bound(denoiser, images, "large").total
    error = math.hypot(whole.std() / 4, estimate.std() / math.sqrt(128))
    assert abs(whole.mean() - estimate.mean()) < 4 * error
    bound = (
        closed_form(schedule, "large").sum()
        + decoder_closed_form(schedule)
        + prior_bits(denoiser.process, images).mean().item()
    )
    assert abs(estimate.mean() - bound) < 4 * estimate.std() / math.sqrt(128)
    assert entropy() < bound < entropy() + 0.15


def test_the_stratified_estimate_is_unbiased_whatever_the_number_of_strata() -> None:
    schedule = NoiseSchedule.cosine(5)
    denoiser, images = exact_denoiser(schedule), gaussian_pixels(400, side=4)
    whole = np.mean([all_terms(denoiser, images, seed=seed)[1].mean() for seed in range(4)])
    for strata in (1, 2, 4):
        estimate = estimate_bound(denoiser, images, strata=strata).total
        assert abs(estimate.mean() - whole) < 4 * estimate.std() / 20


def test_the_curve_shows_the_mean_term_of_each_interval_of_timesteps() -> None:
    schedule = NoiseSchedule.linear(T)
    timesteps, bits = estimate_bound(exact_denoiser(schedule), gaussian_pixels(2000, side=4)).curve
    assert timesteps[0] == 1
    assert bits[0] == pytest.approx(decoder_closed_form(schedule), rel=0.02)
    terms = closed_form(schedule, "small")
    np.testing.assert_allclose(bits[1:], np.interp(timesteps[1:], np.arange(2, T + 1), terms), rtol=0.1)


@pytest.mark.parametrize("steps", [2, 3, 10])
def test_few_timesteps_have_a_point_each(steps: int) -> None:
    timesteps, bits = estimate_bound(exact_denoiser(NoiseSchedule.cosine(steps)), gaussian_pixels(300, side=4)).curve
    assert timesteps.tolist() == list(range(1, steps + 1))
    assert (bits > 0).all()


def test_the_decoder_is_a_distribution_over_the_256_values() -> None:
    levels = (torch.arange(256).double() / 127.5 - 1).view(256, 1, 1, 1)
    for mean, sigma in ((0.0, 0.3), (-1.2, 0.01), (0.99, 0.002), (5.0, 0.5)):
        mass = log_decoder(levels, torch.full_like(levels, mean), torch.full_like(levels, sigma)).exp()
        assert mass.sum().item() == pytest.approx(1, abs=1e-9)


def test_far_from_its_mean_the_decoder_stays_finite_and_symmetric() -> None:
    x_0 = torch.tensor([101.0, 154.0]).double().view(2, 1, 1, 1) / 127.5 - 1
    mean, sigma = torch.tensor([0.9, -0.9]).double().view(2, 1, 1, 1), torch.full((2, 1, 1, 1), 0.01).double()
    far = log_decoder(x_0, mean, sigma).flatten()
    assert torch.isfinite(far).all()
    assert far[0].item() == pytest.approx(far[1].item(), rel=1e-9)


def test_a_term_is_a_divergence_zero_for_a_denoiser_that_knows_the_image() -> None:
    schedule, images = NoiseSchedule.linear(T), gaussian_pixels(4)
    epsilon = torch.randn(images.shape)
    knows = Denoiser(lambda x_t, t: images, schedule, "x0")
    assert term(knows, images, torch.full((4,), 50), epsilon).abs().max() < 1e-12


def test_nothing_is_left_for_the_prior_of_rectified_flow() -> None:
    assert prior_bits(exact_denoiser(RectifiedFlow(20)).process, gaussian_pixels(3)).abs().max() == 0


def test_the_prior_is_the_divergence_of_two_gaussians() -> None:
    """KL(N(signal x_0, noise^2) || N(0, 1)), by torch's own."""
    schedule, images = NoiseSchedule.linear(20), gaussian_pixels(3)
    process = exact_denoiser(schedule).process
    x_T = torch.distributions.Normal(schedule.signal[-1] * images.double(), schedule.noise[-1])
    nats = torch.distributions.kl_divergence(x_T, torch.distributions.Normal(torch.zeros(()).double(), 1.0))
    torch.testing.assert_close(prior_bits(process, images), nats.flatten(1).mean(1) / math.log(2))
