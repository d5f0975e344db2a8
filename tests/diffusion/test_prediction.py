"""Predictions turn into one another, on every schedule that allows them."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import Denoiser, GaussianProcess, NoiseSchedule, PredictionName, RectifiedFlow, Schedule
from nevoa.diffusion.prediction import PREDICTIONS
from nevoa.errors import NevoaError

T = torch.tensor([1, 30, 100])
ZERO_SNR = NoiseSchedule.cosine(100).with_zero_terminal_snr()
PAIRS: list[tuple[PredictionName, Schedule]] = [
    *((kind, NoiseSchedule.linear(100)) for kind in get_args(PredictionName)),
    *((kind, ZERO_SNR) for kind in get_args(PredictionName) if kind != "epsilon"),
    ("x0", RectifiedFlow(100)),
    ("flow", RectifiedFlow(100)),
]


def normal(seed: int) -> Tensor:
    return torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


X_0, EPSILON = normal(0), normal(1)


def test_the_table_has_every_name() -> None:
    assert tuple(PREDICTIONS) == get_args(PredictionName)


@pytest.mark.parametrize(("kind", "schedule"), PAIRS)
def test_the_target_gives_back_image_and_noise(kind: PredictionName, schedule: Schedule) -> None:
    signal, noise = (table[T].view(-1, 1, 1, 1) for table in (schedule.signal, schedule.noise))
    x_t = signal * X_0 + noise * EPSILON
    estimate = Denoiser(lambda x_t, t: PREDICTIONS[kind].target(X_0, EPSILON, signal, noise), schedule, kind)(x_t, T)
    torch.testing.assert_close(estimate.x_0, X_0, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(estimate.epsilon, EPSILON, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("kind", "schedule"), PAIRS)
def test_image_and_noise_of_any_output_make_up_x_t(kind: PredictionName, schedule: Schedule) -> None:
    denoiser, x_t = Denoiser(lambda x_t, t: normal(7), schedule, kind), normal(3)
    estimate = denoiser(x_t, T)
    torch.testing.assert_close(denoiser.process.forward(estimate.x_0, T, estimate.epsilon), x_t, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("kind", "schedule"), PAIRS)
def test_the_error_of_an_output_is_its_share_of_the_error_of_x_0(kind: PredictionName, schedule: Schedule) -> None:
    """Measured between two outputs, against the table's formula."""
    process, x_t = GaussianProcess(schedule), normal(3)
    t = torch.tensor([1, 30, 99])
    one, other = (Denoiser(lambda x_t, t, at=seed: normal(at), schedule, kind)(x_t, t).x_0 for seed in (7, 8))
    measured = (normal(7) - normal(8)).square().sum((1, 2, 3)) / (one - other).square().sum((1, 2, 3))
    snr = (process.schedule.signal[t] / process.schedule.noise[t]) ** 2
    torch.testing.assert_close(measured, PREDICTIONS[kind].error(snr).expand(3), rtol=1e-9, atol=0)


@pytest.mark.parametrize("schedule", [RectifiedFlow(10), NoiseSchedule.linear(10).with_zero_terminal_snr()])
def test_epsilon_cannot_be_predicted_where_no_signal_is_left(schedule: Schedule) -> None:
    with pytest.raises(NevoaError, match="predict v, x0 or flow"):
        Denoiser(lambda x_t, t: x_t, schedule, "epsilon")


def test_v_needs_a_schedule_that_preserves_variance() -> None:
    with pytest.raises(NevoaError, match="predict flow"):
        Denoiser(lambda x_t, t: x_t, RectifiedFlow(10), "v")
