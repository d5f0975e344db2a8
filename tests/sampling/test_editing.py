"""Variations, in-painting and inversion, with a denoiser that is exact."""

import itertools
import math
from typing import Any

import pytest
import torch

from nevoa.diffusion import Denoiser, NoiseSchedule, RectifiedFlow, Schedule
from nevoa.sampling import DDIM, DDPM, SAMPLERS, ImageNoise, as_sampler, timestep_grid, trajectory
from nevoa.sampling.editing import Inpainting, inverted, slerp, varied

SHAPE = (1, 6, 6)
SCHEDULES: dict[str, Schedule] = {"cosine": NoiseSchedule.cosine(100), "flow": RectifiedFlow(100)}


def gaussian_denoiser(schedule: Schedule, deviation: float = 0.5) -> Denoiser:
    """The exact denoiser of images whose pixels are independent Gaussians: E[x_0 | x_t] is linear in x_t."""

    def network(x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        signal, noise = (table[t].float().view(-1, 1, 1, 1) for table in (schedule.signal, schedule.noise))
        return x_t * signal * deviation**2 / ((signal * deviation) ** 2 + noise**2)

    return Denoiser(network, schedule, "x0")


def noise(count: int = 2) -> ImageNoise:
    return ImageNoise(0, 0, count, SHAPE)


def images(count: int = 2) -> torch.Tensor:
    return 0.5 * torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_error_of_inversion_falls_with_the_number_of_steps(name: str) -> None:
    """DDIM backwards, then forwards: of first order, so eight times the steps make less than a quarter of the error."""
    schedule, x_0 = SCHEDULES[name], images()
    denoiser = gaussian_denoiser(schedule)

    def error(steps: int) -> float:
        grid = timestep_grid(schedule, steps)
        *_, end = trajectory(denoiser, DDIM(), inverted(denoiser, x_0, grid), grid, noise())
        return float((end.x_t - x_0).norm() / x_0.norm())

    few, many = error(6), error(48)
    assert many < few / 4
    assert many < 0.1


def test_inverted_images_are_unit_noise() -> None:
    """The ODE maps the distribution of images to that of noise, and for a Gaussian it is a scaling."""
    schedule = NoiseSchedule.cosine(100)
    x_0 = 0.5 * torch.randn(64, *SHAPE, generator=torch.Generator().manual_seed(1))
    x_T = inverted(gaussian_denoiser(schedule), x_0, timestep_grid(schedule, 100))
    torch.testing.assert_close(x_T, x_0 / 0.5, rtol=0.1, atol=0.05)


@pytest.mark.parametrize(("name", "schedule"), itertools.product(SAMPLERS, SCHEDULES))
def test_known_pixels_are_those_of_the_image(name: Any, schedule: str) -> None:
    """To the last bit, with every sampler and schedule."""
    known = torch.zeros(1, 6, 6, dtype=torch.bool)
    known[:, :, :3] = True
    x_0, grid = images(1)[0], timestep_grid(SCHEDULES[schedule], 5)
    sampler = Inpainting(as_sampler(name), x_0, known, resamplings=3)
    *states, end = trajectory(gaussian_denoiser(SCHEDULES[schedule]), sampler, noise()(), grid, noise())
    assert (end.x_t[:, known] == x_0[known]).all()
    assert (end.x_t[0][~known] != end.x_t[1][~known]).all()
    assert all(bool(state.x_t.isfinite().all()) for state in states)


def test_new_pixels_come_to_match_the_known_ones() -> None:
    """All pixels of an image are one Gaussian number: what is painted must be the number that is known.

    With each step drawn once, the new half hardly sees the known one; drawn ten times, it does.
    """
    schedule, known = NoiseSchedule.cosine(100), torch.zeros(1, 6, 6, dtype=torch.bool)
    known[:, :, :3] = True

    def network(x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """E[x_0 | x_t] if all pixels are the same unit Gaussian: that of their mean."""
        signal, sigma = (table[t].float().view(-1, 1, 1, 1) for table in (schedule.signal, schedule.noise))
        mean = x_t.mean(dim=(1, 2, 3), keepdim=True)
        return (mean * signal / (signal**2 + sigma**2 / 36)).expand_as(x_t)

    x_0, draws = torch.full(SHAPE, 1.5), noise(64)

    def distance(resamplings: int) -> float:
        sampler = Inpainting(DDPM(), x_0, known, resamplings)
        *_, end = trajectory(Denoiser(network, schedule, "x0"), sampler, draws(), timestep_grid(schedule, 20), draws)
        return float((end.x_t[:, ~known] - 1.5).abs().mean())

    assert distance(10) < 0.5 * distance(1)


@pytest.mark.parametrize("name", SAMPLERS)
def test_little_strength_keeps_the_image_and_all_of_it_does_not(name: Any) -> None:
    schedule, x_0 = NoiseSchedule.cosine(100), images()
    denoiser, grid = gaussian_denoiser(schedule), timestep_grid(schedule, 20)

    def distance(strength: float) -> float:
        start = round(100 * strength)
        *_, end = varied(denoiser, as_sampler(name), x_0, [start, *(t for t in grid if t < start)], noise())
        return float((end.x_t - x_0).norm() / x_0.norm())

    near, middle, far = distance(0.02), distance(0.4), distance(1.0)
    assert near < 0.1 < middle < far
    # independent images are sqrt(2) apart
    assert far == pytest.approx(math.sqrt(2), rel=0.3)


def test_noise_between_two_noises_keeps_their_norm() -> None:
    a, b = torch.randn(2, 1000, generator=torch.Generator().manual_seed(0))
    for share in (0.0, 0.25, 0.5, 1.0):
        assert slerp(a, b, share).norm() == pytest.approx(float(torch.lerp(a.norm(), b.norm(), share)), rel=0.05)
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b)
    torch.testing.assert_close(slerp(a, a, 0.5), a)
