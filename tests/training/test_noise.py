"""The timestep, noise and label dropout of each training image."""

import math

import numpy as np
import pytest
import torch

from nevoa.diffusion import NoiseSchedule, RectifiedFlow, Schedule, log_snr_of
from nevoa.training.noise import TAIL_SIGMA, TrainingNoise, draw_of, log_normal, uniform


def test_timesteps_are_uniform_and_noise_is_normal() -> None:
    draws = TrainingNoise(0, uniform(10), (1, 2, 2))
    t, epsilon = draws.take(100, 20_000)
    assert (int(t.min()), int(t.max())) == (1, 10)
    # 20,000 draws of ten values: 2,000 each, standard error 42.
    assert bool(((torch.bincount(t)[1:] - 2000).abs() < 200).all())
    assert abs(float(epsilon.mean())) < 0.02
    assert abs(float(epsilon.var()) - 1) < 0.02
    torch.testing.assert_close(draws.take(150, 3)[1], epsilon[50:53], rtol=0, atol=0)


def test_log_normal_timesteps_have_a_log_normal_sigma() -> None:
    """As in Karras et al. 2022, for data with a standard deviation of 1, in any schedule."""
    sigma = np.exp(np.random.default_rng(0).normal(-1.2 - math.log(0.5), 1.2, 20_000))
    drawn = log_normal(RectifiedFlow(1000), 28 * 28)(np.random.default_rng(0), 20_000)
    assert np.abs(drawn - 1000 * sigma / (1 + sigma)).max() < 3  # a mean of -0.507 instead of -0.5 is 2 timesteps
    cosine = NoiseSchedule.cosine(1000)
    t = torch.from_numpy(log_normal(cosine, 28 * 28)(np.random.default_rng(0), 20_000))
    assert t.min() >= 1 and t.max() <= 1000
    log_sigma = -log_snr_of(cosine)[t] / 2
    for score in (-2.0, -1.0, 0.0, 1.0, 2.0):
        share = (log_sigma <= -0.5 + 1.2 * score).double().mean().item()
        assert share == pytest.approx(float(torch.special.ndtr(torch.tensor(score))), abs=0.015)


def test_an_image_of_twice_the_side_gets_twice_the_noise() -> None:
    """As in Hoogeboom et al. 2023: in rectified flow, where sigma = t / (T - t)."""
    small, large = (
        log_normal(RectifiedFlow(100_000), side**2)(np.random.default_rng(0), 10_000) / 1e5 for side in (32, 64)
    )
    ratio = (large / (1 - large)) / (small / (1 - small))
    assert np.abs(ratio[(small > 0.01) & (large < 0.99)] - 2).max() < 0.01
    least, most = (log_normal(RectifiedFlow(100), side**2)(np.random.default_rng(0), 100) for side in (8, 28))
    assert (least == most).all()


@pytest.mark.parametrize(("schedule", "side"), [(RectifiedFlow(1000), 28), (NoiseSchedule.cosine(1000), 56)])
def test_two_in_five_timesteps_are_where_there_is_much_noise(schedule: Schedule, side: int) -> None:
    """Evenly among those; the others are log-normal."""
    plain, tailed = (
        draw_of(name, schedule, side**2)(np.random.default_rng(0), 20_000) for name in ("log_normal", "log_normal_tail")
    )
    noisy = np.flatnonzero(-log_snr_of(schedule).numpy() / 2 > math.log(TAIL_SIGMA * side / 28))
    apart = np.isin(plain, noisy).mean()
    assert apart < 0.1
    assert np.isin(tailed, noisy).mean() == pytest.approx(0.4 + 0.6 * apart, abs=0.01)
    first, second = np.array_split(noisy, 2)
    own = 0.6 * np.isin(plain, first).mean(), 0.6 * np.isin(plain, second).mean()
    evenly = np.isin(tailed, first).mean() - own[0], np.isin(tailed, second).mean() - own[1]
    assert evenly == pytest.approx((0.2, 0.2), abs=0.015)
    rest = tailed[~np.isin(tailed, noisy)]
    assert np.median(rest) == pytest.approx(np.median(plain[~np.isin(plain, noisy)]), abs=8)


def test_a_schedule_without_much_noise_has_its_last_timestep_in_the_tail() -> None:
    schedule = NoiseSchedule.linear(100)
    assert log_snr_of(schedule)[-1] > -math.log(TAIL_SIGMA)
    tailed = draw_of("log_normal_tail", schedule, 28 * 28)(np.random.default_rng(0), 4_000)
    assert (tailed == 100).mean() > 0.38 and tailed.max() == 100
