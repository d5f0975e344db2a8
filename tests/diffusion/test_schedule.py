"""Schedules against their formulas, written again in plain Python with fractions of T and math."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nevoa.diffusion import NoiseSchedule, ScheduleName

NAMES: list[ScheduleName] = ["linear", "quadratic", "sigmoid", "cosine"]


def beta_by_formula(name: ScheduleName, t: int, steps: int) -> float:
    """beta at t = 1…T, one number at a time."""
    share = (t - 1) / (steps - 1)
    if name == "linear":
        return 1e-4 + share * (0.02 - 1e-4)
    if name == "quadratic":
        return (math.sqrt(1e-4) + share * (math.sqrt(0.02) - math.sqrt(1e-4))) ** 2
    if name == "sigmoid":
        return 1 / (1 + math.exp(-(-6 + 12 * share))) * (0.02 - 1e-4) + 1e-4

    def f(moment: float) -> float:
        return math.cos((moment + 0.008) / 1.008 * math.pi / 2) ** 2

    return min(max(1 - f(t / steps) / f((t - 1) / steps), 1e-4), 0.9999)


@pytest.mark.parametrize("name", NAMES)
@given(steps=st.integers(2, 300))
def test_beta_is_its_formula(name: ScheduleName, steps: int) -> None:
    schedule = NoiseSchedule.named(name, steps)
    expected = [0.0] + [beta_by_formula(name, t, steps) for t in range(1, steps + 1)]
    assert schedule.beta.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("name", NAMES)
@given(steps=st.integers(2, 2000))
def test_tables_are_what_design_says(name: ScheduleName, steps: int) -> None:
    schedule = NoiseSchedule.named(name, steps)
    for table in (schedule.beta, schedule.alpha, schedule.alpha_bar, schedule.log_snr):
        assert table.dtype == torch.float64
        assert len(table) == steps + 1
    assert schedule.alpha_bar[0] == 1
    assert schedule.steps == steps
    product = 1.0
    for t in range(1, steps + 1):
        product *= 1 - float(schedule.beta[t])
        assert float(schedule.alpha_bar[t]) == pytest.approx(product, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
@given(steps=st.integers(2, 2000))
def test_signal_to_noise_ratio_falls(name: ScheduleName, steps: int) -> None:
    assert bool((NoiseSchedule.named(name, steps).log_snr.diff() < 0).all())


@pytest.mark.parametrize(("t", "alpha_bar"), [(1, 0.99990), (250, 0.52409), (500, 0.078587), (1000, 4.0358e-5)])
def test_linear_keeps_what_ho_et_al_keep(t: int, alpha_bar: float) -> None:
    assert float(NoiseSchedule.linear().alpha_bar[t]) == pytest.approx(alpha_bar, rel=5e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("steps", [1, 0, -3])
def test_a_schedule_has_two_steps(name: ScheduleName, steps: int) -> None:
    with pytest.raises(ValueError, match="at least 2 steps"):
        NoiseSchedule.named(name, steps)


def test_a_table_that_is_no_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="beta"):
        NoiseSchedule(torch.tensor([0.0, 0.5, 1.5], dtype=torch.float64))


@pytest.mark.parametrize("name", NAMES)
def test_zero_terminal_snr_is_that_of_diffusers(name: ScheduleName) -> None:
    from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr

    schedule = NoiseSchedule.named(name, 100)
    stretched = schedule.with_zero_terminal_snr()
    torch.testing.assert_close(stretched.beta[1:], rescale_zero_terminal_snr(schedule.beta[1:]), rtol=1e-9, atol=1e-12)
    assert stretched.alpha_bar[-1] == 0
    assert stretched.log_snr[-1] == -torch.inf
    torch.testing.assert_close(stretched.alpha_bar[1], schedule.alpha_bar[1])
    assert (stretched.alpha_bar.diff() < 0).all()
