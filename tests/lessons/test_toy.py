"""The toy whose distribution is known: each formula against automatic differentiation, counting or a grid."""

import pytest
import torch

from nevoa.diffusion import GaussianProcess, NoiseSchedule
from nevoa.lessons import Mixture, four_peaks, two_peaks

COSINE = NoiseSchedule.cosine(1000)
TIMES = [0, 1, 300, 700, 1000]


@pytest.mark.parametrize("toy", [two_peaks(), four_peaks()])
def test_it_has_mean_0_and_variance_1_as_normalised_images(toy: Mixture) -> None:
    x_0 = toy.sample(100_000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(x_0.mean(0), torch.zeros(x_0.shape[1], dtype=x_0.dtype), atol=0.02, rtol=0)
    torch.testing.assert_close(x_0.var(0), torch.ones(x_0.shape[1], dtype=x_0.dtype), atol=0.02, rtol=0)


@pytest.mark.parametrize("t", TIMES)
def test_the_density_has_area_1_and_is_that_of_the_samples(t: int) -> None:
    toy, line = two_peaks(), torch.linspace(-6, 6, 4001, dtype=torch.float64)
    density = toy.log_density(line[:, None], COSINE.signal[t], COSINE.noise[t]).exp()
    assert torch.trapezoid(density, line).item() == pytest.approx(1, abs=1e-6)
    generator = torch.Generator().manual_seed(0)
    x_0 = toy.sample(50_000, generator)
    epsilon = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype)
    x_t = COSINE.signal[t] * x_0 + COSINE.noise[t] * epsilon
    below = torch.cumulative_trapezoid(density, line)
    for point in (-1.0, -0.3, 0.5, 1.2):
        expected = below[int((line < point).sum()) - 1].item()
        assert (x_t < point).double().mean().item() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("t", TIMES)
def test_the_score_is_the_gradient_of_the_log_density(t: int) -> None:
    toy, scales = four_peaks(), (COSINE.signal[t], COSINE.noise[t])
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    (gradient,) = torch.autograd.grad(toy.log_density(x, *scales).sum(), x)
    torch.testing.assert_close(toy.score(x.detach(), *scales), gradient)


@pytest.mark.parametrize("t", TIMES[1:-1])
def test_the_mean_of_x_0_is_the_integral_over_a_grid(t: int) -> None:
    toy, line = two_peaks(), torch.linspace(-4, 4, 4001, dtype=torch.float64)
    signal, noise = COSINE.signal[t], COSINE.noise[t]
    x_t = signal * torch.tensor([-1.2, 0.05, 0.9], dtype=torch.float64)
    weights = (toy.log_density(line[:, None]) - (x_t[:, None] - signal * line) ** 2 / (2 * noise**2)).softmax(-1)
    torch.testing.assert_close(toy.mean_x_0(x_t[:, None], signal, noise)[:, 0], weights @ line)


def test_the_denoiser_knows_the_score_at_each_timestep_of_a_batch() -> None:
    """E[epsilon | x_t] = -noise score(x_t), with another t for each point."""
    toy, t = four_peaks(), torch.tensor([1, 200, 500, 999])
    x_t = GaussianProcess(COSINE).forward(
        toy.sample(4, torch.Generator().manual_seed(0)), t, torch.ones(4, 2, dtype=torch.float64)
    )
    score = toy.score(x_t, COSINE.signal[t], COSINE.noise[t])
    torch.testing.assert_close(toy.denoiser(COSINE)(x_t, t).epsilon, -COSINE.noise[t][:, None] * score)
