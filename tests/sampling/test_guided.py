"""Guidance under every sampler, with the exact denoiser of a mixture: asked for a class, its distribution comes."""

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import Denoiser, Guided, NoiseSchedule
from nevoa.sampling import DDIM, DDPM, DPMSolver, Sampler, timestep_grid, trajectory

# Of the two classes; the second is three times as frequent.
MEANS = torch.tensor([[0.8, -0.5], [-0.6, 0.3]], dtype=torch.float64)
SPREADS = torch.tensor([[[0.3, 0.1], [0.0, 0.2]], [[0.2, 0.0], [-0.25, 0.4]]], dtype=torch.float64)
COVARIANCES = SPREADS @ SPREADS.mT
SHARES = torch.tensor([0.25, 0.75], dtype=torch.float64)
NULL = 2
COUNT, STEPS = 20_000, 200


def exact_denoiser(schedule: NoiseSchedule) -> Denoiser:
    """E[x_0 | x_t, label]: of a class by its joint Gaussian with x_t, of none by Bayes' rule over both."""

    def x_0_mean(x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        kept = schedule.alpha_bar[t[0]]
        marginals = kept * COVARIANCES + (1 - kept) * torch.eye(2, dtype=torch.float64)
        gains = kept.sqrt() * COVARIANCES @ torch.linalg.inv(marginals)
        away = x_t - kept.sqrt() * MEANS[:, None]
        means = MEANS[:, None] + away @ gains.mT
        likely = torch.stack(
            [
                torch.distributions.MultivariateNormal(kept.sqrt() * mean, marginal).log_prob(x_t)
                for mean, marginal in zip(MEANS, marginals, strict=True)
            ]
        )
        shares = (likely + SHARES.log()[:, None]).softmax(0)
        told = torch.nn.functional.one_hot(label, 3).T[:2].double()
        return (torch.where(label == NULL, shares, told)[..., None] * means).sum(0)

    return Denoiser(x_0_mean, schedule, "x0")


def drawn(sampler: Sampler, label: int, weight: float) -> Tensor:
    schedule, generator = NoiseSchedule.linear(1000), torch.Generator().manual_seed(0)

    def noise() -> Tensor:
        return torch.randn(COUNT, 2, generator=generator, dtype=torch.float64)

    denoiser = Guided(exact_denoiser(schedule), torch.full((COUNT,), NULL), (torch.full((COUNT,), label), weight))
    *_, end = trajectory(denoiser, sampler, noise(), timestep_grid(schedule, STEPS, "log_snr"), noise)
    return end.x_t


@pytest.mark.slow
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("sampler", [DDPM("small"), DDIM(), DPMSolver()])
def test_asked_for_a_class_its_distribution_comes(sampler: Sampler, label: int) -> None:
    x = drawn(sampler, label, weight=1.0)
    # 20,000 draws: a mean is off by 0.003, a variance by 0.0025 (one standard error at the largest variance, 0.22).
    torch.testing.assert_close(x.mean(0), MEANS[label], rtol=0, atol=0.015)
    torch.testing.assert_close(x.T.cov(), COVARIANCES[label], rtol=0, atol=0.015)


@pytest.mark.slow
def test_without_guidance_the_mixture_comes_whatever_is_asked_for() -> None:
    x, mean = drawn(DPMSolver(), 0, weight=0.0), SHARES @ MEANS
    between = (MEANS - mean).T @ torch.diag(SHARES) @ (MEANS - mean)
    torch.testing.assert_close(x.mean(0), mean, rtol=0, atol=0.03)
    torch.testing.assert_close(x.T.cov(), torch.einsum("k,kij->ij", SHARES, COVARIANCES) + between, rtol=0, atol=0.03)


@pytest.mark.slow
def test_more_guidance_moves_away_from_the_other_class() -> None:
    """Along the line between the means, beyond the class's own."""
    away = MEANS[0] - MEANS[1]
    places = [float(drawn(DDIM(), 0, weight).mean(0) @ away) for weight in (0.5, 1.0, 3.0)]
    assert places == sorted(places)
    assert places[2] > float(MEANS[0] @ away) + 0.03
