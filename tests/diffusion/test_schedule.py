"""Schedules against their formulas, written again in plain Python with fractions of T and math."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nevoa.config.registry import register
from nevoa.diffusion import (
    SCHEDULES,
    NoiseSchedule,
    RectifiedFlow,
    Schedule,
    log_snr_of,
    named_schedule,
    steps_of,
)
from nevoa.diffusion.schedule import check_schedule
from nevoa.errors import NevoaError

NAMES: list[str] = ["linear", "quadratic", "sigmoid", "cosine"]
SCALABLE: list[str] = ["linear", "quadratic", "sigmoid"]


def beta_by_formula(name: str, t: int, steps: int) -> float:
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
def test_beta_is_its_formula(name: str, steps: int) -> None:
    schedule = NoiseSchedule.named(name, steps)
    expected = [0.0] + [beta_by_formula(name, t, steps) for t in range(1, steps + 1)]
    assert schedule.beta.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@given(steps=st.integers(2, 2000))
def test_tables_are_what_design_says(name: str, steps: int) -> None:
    schedule = NoiseSchedule.named(name, steps)
    for table in (schedule.beta, schedule.alpha, schedule.alpha_bar):
        assert table.dtype == torch.float64
        assert len(table) == steps + 1
    assert schedule.alpha_bar[0] == 1
    assert schedule.steps == steps
    product = 1.0
    for t in range(1, steps + 1):
        product *= 1 - float(schedule.beta[t])
        assert float(schedule.alpha_bar[t]) == pytest.approx(product, rel=1e-9)

    torch.testing.assert_close(schedule.signal**2, schedule.alpha_bar, rtol=1e-12, atol=0)
    torch.testing.assert_close(schedule.noise**2, 1 - schedule.alpha_bar, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", SCHEDULES)
@given(steps=st.integers(2, 2000))
def test_every_named_schedule_goes_from_the_image_towards_noise(name: str, steps: int) -> None:
    schedule = named_schedule(name, steps)
    for table in (schedule.signal, schedule.noise, log_snr_of(schedule)):
        assert (table.dtype, len(table)) == (torch.float64, steps + 1)
    assert (schedule.signal[0], schedule.noise[0], steps_of(schedule)) == (1, 0, steps)
    assert bool((log_snr_of(schedule).diff() < 0).all())
    check_schedule(schedule)


@pytest.mark.parametrize("name", NAMES)
def test_log_snr_is_the_logit_of_alpha_bar(name: str) -> None:
    schedule = NoiseSchedule.named(name)
    torch.testing.assert_close(log_snr_of(schedule)[1:], torch.logit(schedule.alpha_bar[1:]), rtol=1e-9, atol=1e-12)


@given(steps=st.integers(2, 2000))
def test_rectified_flow_is_a_straight_line(steps: int) -> None:
    schedule = RectifiedFlow(steps)
    assert schedule.noise.tolist() == pytest.approx([t / steps for t in range(steps + 1)], abs=1e-15)
    assert schedule.signal.tolist() == pytest.approx([1 - t / steps for t in range(steps + 1)], abs=1e-15)
    assert (schedule.signal[-1], schedule.noise[-1]) == (0, 1)


@pytest.mark.parametrize(("t", "alpha_bar"), [(1, 0.99990), (250, 0.52409), (500, 0.078587), (1000, 4.0358e-5)])
def test_linear_keeps_what_ho_et_al_keep(t: int, alpha_bar: float) -> None:
    assert float(NoiseSchedule.linear().alpha_bar[t]) == pytest.approx(alpha_bar, rel=5e-5)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 0, -3])
def test_a_schedule_has_two_steps(name: str, steps: int) -> None:
    with pytest.raises(ValueError, match="at least 2 steps"):
        named_schedule(name, steps)


@pytest.mark.parametrize("name", SCALABLE)
@pytest.mark.filterwarnings("error")
def test_a_short_schedule_warns_of_the_signal_that_it_leaves(name: str) -> None:
    with pytest.warns(UserWarning, match=r"alpha_bar\[100\] = 0\.\d\d.*scale_ends=true"):
        schedule = NoiseSchedule.named(name, 100)
    assert schedule.alpha_bar[-1] > 0.3
    NoiseSchedule.named(name, 1000)
    NoiseSchedule.cosine(10)


def test_the_warning_names_the_number() -> None:
    with pytest.warns(UserWarning, match=r"linear schedule in 100 steps ends at alpha_bar\[100\] = 0\.36,"):
        NoiseSchedule.linear(100)


@pytest.mark.parametrize("name", SCALABLE)
@pytest.mark.parametrize("steps", [2, 10, 50, 100, 500])
@pytest.mark.filterwarnings("error")
def test_scaled_ends_leave_hardly_any_signal_whatever_the_steps(name: str, steps: int) -> None:
    schedule = named_schedule(name, steps, scale_ends=True)
    assert schedule.signal[-1] ** 2 < 1e-3
    assert bool((log_snr_of(schedule).diff() < 0).all())


@pytest.mark.parametrize("name", SCALABLE)
def test_scaled_ends_are_the_ends_of_a_thousand_steps_stretched(name: str) -> None:
    """Half as many steps of twice the size; and at T = 1000 scaling changes nothing."""
    whole, half = NoiseSchedule.named(name, 1000), named_schedule(name, 500, scale_ends=True)
    assert isinstance(half, NoiseSchedule)
    torch.testing.assert_close(half.beta[[1, -1]], 2 * whole.beta[[1, -1]])
    torch.testing.assert_close(half.signal[::5], whole.signal[::10], rtol=0, atol=0.01)
    assert torch.equal(named_schedule(name, 1000, scale_ends=True).signal, whole.signal)


def test_a_schedule_that_beta_does_not_define_is_no_noise_schedule() -> None:
    with pytest.raises(ValueError, match="named_schedule"):
        NoiseSchedule.named("flow")


def test_zero_terminal_snr_leaves_flow_as_it_is() -> None:
    assert named_schedule("flow", 10, zero_terminal_snr=True) == RectifiedFlow(10)
    assert named_schedule("cosine", 10, zero_terminal_snr=True).signal[-1] == 0


class Tables:
    """A schedule from outside: two tables and nothing else."""

    def __init__(self, signal: list[float], noise: list[float], dtype: torch.dtype = torch.float64):
        self.signal, self.noise = torch.tensor(signal, dtype=dtype), torch.tensor(noise, dtype=dtype)


def test_any_object_with_the_two_tables_is_a_schedule() -> None:
    own = Tables([1, 0.7, 0.2, 0], [0, 0.5, 0.9, 1])
    check_schedule(own)
    assert isinstance(own, Schedule)
    assert steps_of(own) == 3


@pytest.mark.usefixtures("registered")
def test_a_schedule_from_outside_that_leaves_signal_is_not_said_to_leave_none() -> None:
    register("schedule", "some", lambda steps: Tables([1, 0.7, 0.2], [0, 0.5, 0.9]))
    register("schedule", "none", lambda steps: Tables([1, 0.7, 0], [0, 0.5, 1]))
    assert named_schedule("none", 2, zero_terminal_snr=True).signal[-1] == 0
    with pytest.raises(NevoaError, match="zero_terminal_snr is not for the schedule some, which leaves signal at T"):
        named_schedule("some", 2, zero_terminal_snr=True)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (object(), "object is not a schedule: it needs 'signal' and 'noise'"),
        (Tables([1, 0.5, 0], [0, 0.5, 1], torch.float32), "float64"),
        (Tables([1, 0], [0, 1]), "T at least 2"),
        (Tables([1, 0.5, 0.2, 0], [0, 0.5, 1]), "4 and 3 entries"),
        (Tables([0.9, 0.5, 0], [0, 0.5, 1]), "start at signal 1"),
        (Tables([1, 0.5, 0], [0.1, 0.5, 1]), "start at signal 1 and noise 0"),
        (Tables([1, 0.5, 0.6], [0, 0.5, 0.6]), "must always fall"),
        (Tables([1, 0, 0], [0, 1, 1]), "must always fall"),
        (Tables([1, float("nan"), 0], [0, 0.5, 1]), "must always fall"),
        (Tables([1, 1, 1], [0, 9, 80]), "ends at noise 80: divide both tables"),
    ],
)
def test_an_object_that_is_no_schedule_is_refused(schedule: object, message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        check_schedule(schedule)


def test_a_table_that_is_no_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="beta"):
        NoiseSchedule(torch.tensor([0.0, 0.5, 1.5], dtype=torch.float64))


@pytest.mark.parametrize("name", NAMES)
def test_zero_terminal_snr_is_that_of_diffusers(name: str) -> None:
    from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr

    schedule = NoiseSchedule.named(name, 100)
    stretched = schedule.with_zero_terminal_snr()
    torch.testing.assert_close(stretched.beta[1:], rescale_zero_terminal_snr(schedule.beta[1:]), rtol=1e-9, atol=1e-12)
    assert stretched.alpha_bar[-1] == 0
    assert log_snr_of(stretched)[-1] == -torch.inf
    torch.testing.assert_close(stretched.alpha_bar[1], schedule.alpha_bar[1])
    assert (stretched.alpha_bar.diff() < 0).all()
