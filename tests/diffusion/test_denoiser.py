"""Predictions turn into one another, and the loss is zero for the network that is right."""

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import Denoiser, GaussianProcess, LossName, NoiseSchedule, PredictionName, loss_per_image
from nevoa.diffusion.prediction import PREDICTIONS

KINDS: list[PredictionName] = ["epsilon", "x0", "v"]
LOSSES: list[LossName] = ["l1", "l2", "huber"]
SCHEDULE = NoiseSchedule.linear(100)
T = torch.tensor([1, 30, 100])


def normal(seed: int) -> Tensor:
    return torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


X_0, EPSILON = normal(0), normal(1)
X_T = GaussianProcess(SCHEDULE).forward(X_0, T, EPSILON)


def perfect(kind: PredictionName) -> Denoiser:
    """A network that outputs its target exactly."""
    a, b = (table.sqrt()[T].view(-1, 1, 1, 1) for table in (SCHEDULE.alpha_bar, 1 - SCHEDULE.alpha_bar))
    return Denoiser(lambda x_t, t: PREDICTIONS[kind].target(X_0, EPSILON, a, b), SCHEDULE, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_right_output_gives_back_image_and_noise(kind: PredictionName) -> None:
    estimate = perfect(kind)(X_T, T)
    torch.testing.assert_close(estimate.x_0, X_0, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(estimate.epsilon, EPSILON, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_image_and_noise_of_any_output_make_up_x_t(kind: PredictionName) -> None:
    denoiser = Denoiser(lambda x_t, t: normal(7), SCHEDULE, kind)
    estimate = denoiser(X_T, T)
    torch.testing.assert_close(denoiser.process.forward(estimate.x_0, T, estimate.epsilon), X_T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_clipping_bounds_the_image_and_keeps_x_t(kind: PredictionName) -> None:
    denoiser = Denoiser(lambda x_t, t: 3 * normal(7), SCHEDULE, kind, clip=True)
    estimate = denoiser(X_T, T)
    assert estimate.x_0.abs().max() == 1
    torch.testing.assert_close(denoiser.process.forward(estimate.x_0, T, estimate.epsilon), X_T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_zero_for_the_right_network_only(kind: PredictionName, loss: LossName) -> None:
    assert perfect(kind).loss(X_0, T, EPSILON, loss).abs().max() < 1e-9
    wrong = Denoiser(lambda x_t, t: normal(7), SCHEDULE, kind)
    assert wrong.loss(X_0, T, EPSILON, loss).min() > 0.1


@pytest.mark.parametrize(
    ("loss", "distance", "expected"),
    [
        ("l1", 0.5, 0.5),
        ("l2", 0.5, 0.25),
        ("huber", 0.5, 0.125),
        ("l1", 3.0, 3.0),
        ("l2", 3.0, 9.0),
        ("huber", 3.0, 2.5),
    ],
)
def test_losses_are_their_formulas_per_image(loss: LossName, distance: float, expected: float) -> None:
    target = torch.zeros(2, 1, 2, 2)
    output = target + torch.tensor([distance, 0.0]).view(2, 1, 1, 1)
    assert loss_per_image(output, target, loss).tolist() == pytest.approx([expected, 0.0])


def test_min_snr_makes_one_loss_of_all_predictions() -> None:
    """An estimate of x_0 costs min(SNR, 5) times its square error, whichever way the network says it."""
    guess = normal(7)
    a, b = (table.sqrt()[T].view(-1, 1, 1, 1) for table in (SCHEDULE.alpha_bar, 1 - SCHEDULE.alpha_bar))
    noise = (X_T - a * guess) / b
    snr = (a**2 / b**2).flatten()
    expected = snr.clamp(max=5) * ((guess - X_0) ** 2).flatten(1).mean(1)
    assert snr.max() > 5 > snr.min()
    for kind in KINDS:
        output = PREDICTIONS[kind].target(guess, noise, a, b)
        denoiser = Denoiser(lambda x_t, t, output=output: output, SCHEDULE, kind)
        torch.testing.assert_close(denoiser.loss(X_0, T, EPSILON, "l2", "min_snr"), expected, rtol=1e-6, atol=0)


def test_the_simple_weight_is_one() -> None:
    wrong = Denoiser(lambda x_t, t: normal(7), SCHEDULE, "v")
    expected = loss_per_image(normal(7), PREDICTIONS["v"].target(X_0, EPSILON, *wrong._scales(X_0, T)), "l1")
    torch.testing.assert_close(wrong.loss(X_0, T, EPSILON, "l1", "simple"), expected)
