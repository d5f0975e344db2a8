"""A denoiser clips as it says, calls its network as it can be called, and has no loss where the network is right."""

import pytest
import torch
from torch import Tensor

from nevoa.config.registry import LOSSES
from nevoa.diffusion import Denoiser, NoiseSchedule, PredictionName, Schedule
from nevoa.diffusion.prediction import PREDICTIONS
from nevoa.errors import NevoaError
from tests.diffusion.test_prediction import EPSILON, PAIRS, X_0, T, normal

SCHEDULE = NoiseSchedule.linear(100)


@pytest.mark.parametrize(("kind", "schedule"), PAIRS)
def test_clipping_bounds_the_image_and_keeps_x_t(kind: PredictionName, schedule: Schedule) -> None:
    denoiser, x_t = Denoiser(lambda x_t, t: 3 * normal(7), schedule, kind, clip=True), normal(3)
    estimate = denoiser(x_t, T)
    assert estimate.x_0.abs().max() == 1
    torch.testing.assert_close(denoiser.process.forward(estimate.x_0, T, estimate.epsilon), x_t, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("kind", "schedule"), PAIRS)
@pytest.mark.parametrize("loss", LOSSES.own)
def test_the_loss_is_zero_for_the_right_network_only(kind: PredictionName, schedule: Schedule, loss: str) -> None:
    signal, noise = (table[T].view(-1, 1, 1, 1) for table in (schedule.signal, schedule.noise))
    perfect = Denoiser(lambda x_t, t: PREDICTIONS[kind].target(X_0, EPSILON, signal, noise), schedule, kind)
    assert perfect.loss(X_0, T, EPSILON, loss).abs().max() < 1e-9
    wrong = Denoiser(lambda x_t, t: normal(7), schedule, kind)
    assert wrong.loss(X_0, T, EPSILON, loss).min() > 0.1


def labelled(x_t: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
    return x_t if label is None else x_t * (2 + label.view(-1, 1, 1, 1))


def test_the_loss_is_that_of_the_labels_given() -> None:
    label = torch.tensor([0, 1, 1])
    told = Denoiser(lambda x_t, t: labelled(x_t, t, label), SCHEDULE)
    denoiser = Denoiser(labelled, SCHEDULE)
    assert torch.equal(denoiser.loss(X_0, T, EPSILON, condition=label), told.loss(X_0, T, EPSILON))
    assert not torch.equal(denoiser.loss(X_0, T, EPSILON), told.loss(X_0, T, EPSILON))
    assert torch.equal(denoiser(X_0, T, label).x_0, told(X_0, T).x_0)


def test_a_network_is_any_callable() -> None:
    """One of (x_t, t) never gets a label; a module is one too."""

    class Module(torch.nn.Module):
        def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
            return 0.5 * x_t

    one, other = Denoiser(Module(), SCHEDULE), Denoiser(lambda x_t, t: 0.5 * x_t, SCHEDULE)
    assert torch.equal(one(X_0, T).x_0, other(X_0, T).x_0)


def test_a_network_of_the_wrong_output_shape_is_refused() -> None:
    denoiser = Denoiser(lambda x_t, t: x_t[:, :, :2], SCHEDULE)
    for call in (lambda: denoiser(X_0, T), lambda: denoiser.loss(X_0, T, EPSILON)):
        with pytest.raises(NevoaError, match=r"returned shape \[3, 1, 2, 4\] for images of shape \[3, 1, 4, 4\]"):
            call()
