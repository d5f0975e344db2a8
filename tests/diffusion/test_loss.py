"""Losses are their formulas, and min-SNR weighting makes one loss of all predictions."""

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import NoiseSchedule, PredictionName, RectifiedFlow, Schedule, loss_per_image
from nevoa.diffusion.denoiser import Denoiser
from nevoa.diffusion.prediction import PREDICTIONS
from nevoa.errors import NevoaError
from tests.diffusion.test_prediction import EPSILON, PAIRS, X_0, T, normal


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
def test_losses_are_their_formulas_per_image(loss: str, distance: float, expected: float) -> None:
    target = torch.zeros(2, 1, 2, 2)
    output = target + torch.tensor([distance, 0.0]).view(2, 1, 1, 1)
    assert loss_per_image(output, target, loss).tolist() == pytest.approx([expected, 0.0])


def test_a_loss_is_any_function_of_output_and_target() -> None:
    output, target = normal(1), normal(2)

    def squares(output: Tensor, target: Tensor) -> Tensor:
        return ((output - target) ** 2).mean((1, 2, 3))

    torch.testing.assert_close(loss_per_image(output, target, squares), loss_per_image(output, target, "l2"))


def test_a_loss_function_returns_one_number_per_image() -> None:
    with pytest.raises(NevoaError, match=r"returned shape \[3, 1, 4, 4\].*one number per image, \[3\]"):
        loss_per_image(normal(1), normal(2), lambda output, target: output - target)
    with pytest.raises(NevoaError, match=r"returned shape \[\]"):
        loss_per_image(normal(1), normal(2), torch.nn.functional.mse_loss)


@pytest.mark.parametrize(("kind", "schedule"), PAIRS)
def test_min_snr_makes_one_loss_of_all_predictions(kind: PredictionName, schedule: Schedule) -> None:
    """An estimate of x_0 costs min(SNR, 5) times its squared error, whatever the network predicts."""
    guess = normal(7)
    signal, noise = (table[T].view(-1, 1, 1, 1) for table in (schedule.signal, schedule.noise))
    x_t = signal * X_0 + noise * EPSILON
    output = PREDICTIONS[kind].target(guess, (x_t - signal * guess) / noise, signal, noise)
    snr = (signal**2 / noise**2).flatten()
    expected = snr.clamp(max=5) * ((guess - X_0) ** 2).flatten(1).mean(1)
    assert snr.max() > 5 > snr.min()
    denoiser = Denoiser(lambda x_t, t: output, schedule, kind)
    torch.testing.assert_close(denoiser.loss(X_0, T, EPSILON, "l2", "min_snr"), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("loss", ["l1", "l2", "huber"])
@pytest.mark.parametrize(("kind", "schedule"), PAIRS)
def test_the_weighting_flow_makes_the_loss_of_flow_of_all_predictions(
    kind: PredictionName, schedule: Schedule, loss: str
) -> None:
    """An estimate of x_0 costs the same as the flow that it implies, for whatever loss."""
    t, guess = torch.tensor([20, 30, 100]), normal(7)
    signal, noise = (table[t].view(-1, 1, 1, 1) for table in (schedule.signal, schedule.noise))
    x_t = signal * X_0 + noise * EPSILON
    implied = guess, (x_t - signal * guess) / noise, signal, noise
    denoiser = Denoiser(lambda x_t, t: PREDICTIONS[kind].target(*implied), schedule, kind)
    expected = loss_per_image(PREDICTIONS["flow"].target(*implied), EPSILON - X_0, loss)
    torch.testing.assert_close(denoiser.loss(X_0, t, EPSILON, loss, "flow"), expected, rtol=1e-6, atol=0)


def test_hardly_any_noise_does_not_make_the_loss_of_flow_explode() -> None:
    """At noise 0.01 the squared error of x_0 counts 400 times in place of 10,000 times; flow itself counts once."""
    guess, t = normal(7), torch.tensor([1, 1, 1])
    errors = (guess - X_0).square().flatten(1).mean(1)
    x0, flow = (Denoiser(lambda x_t, t: guess, RectifiedFlow(100), kind) for kind in ("x0", "flow"))
    torch.testing.assert_close(x0.loss(X_0, t, EPSILON, "l2", "flow"), 400 * errors)
    assert torch.equal(flow.loss(X_0, t, EPSILON, "l2", "flow"), flow.loss(X_0, t, EPSILON, "l2"))


@pytest.mark.parametrize("schedule", [NoiseSchedule.linear(100), NoiseSchedule.cosine(100)])
def test_the_simple_weight_is_one(schedule: NoiseSchedule) -> None:
    signal, noise = (table[T].view(-1, 1, 1, 1) for table in (schedule.signal, schedule.noise))
    wrong = Denoiser(lambda x_t, t: normal(7), schedule, "v")
    expected = loss_per_image(normal(7), signal * EPSILON - noise * X_0, "l1")
    torch.testing.assert_close(wrong.loss(X_0, T, EPSILON, "l1", "simple"), expected)


def test_the_flow_loss_is_that_of_flow_matching() -> None:
    """|u(x_t, t) - (epsilon - x_0)|^2 at x_t = (1 - t/T) x_0 + t/T epsilon (Lipman et al. 2023, equation 23)."""
    share = T.double().view(-1, 1, 1, 1) / 100

    def network(x_t: Tensor, t: Tensor) -> Tensor:
        torch.testing.assert_close(x_t, (1 - share) * X_0 + share * EPSILON)
        return torch.sin(x_t)

    x_t = (1 - share) * X_0 + share * EPSILON
    expected = (torch.sin(x_t) - (EPSILON - X_0)).square().flatten(1).mean(1)
    torch.testing.assert_close(Denoiser(network, RectifiedFlow(100), "flow").loss(X_0, T, EPSILON, "l2"), expected)
