"""Timestep grids fall strictly from T to 0 on every schedule, evenly in what they are named after."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nevoa.diffusion import (
    SCHEDULES,
    NoiseSchedule,
    RectifiedFlow,
    Schedule,
    log_snr_of,
    named_schedule,
)
from nevoa.sampling import SPACINGS, SpacingName, timestep_grid
from nevoa.sampling.timesteps import SIGMA_MAX, SIGMA_MIN

# The usual linear schedule in a hundred times as many steps.
FINE = NoiseSchedule(torch.cat([torch.zeros(1), torch.linspace(1e-6, 2e-4, 100_000)]).double())


@given(
    schedule=st.sampled_from(list(SCHEDULES)),
    timesteps=st.integers(2, 3000),
    share=st.floats(0, 1),
    spacing=st.sampled_from(SPACINGS),
)
def test_the_grid_falls_strictly_to_0(schedule: str, timesteps: int, share: float, spacing: SpacingName) -> None:
    steps = max(1, round(share * timesteps))
    grid = timestep_grid(named_schedule(schedule, timesteps), steps, spacing)
    assert (grid[-1], len(grid)) == (0, steps + 1)
    assert all(t > s for t, s in pairwise(grid))
    assert grid[0] == timesteps or spacing == "leading"


@pytest.mark.parametrize("schedule", [FINE, RectifiedFlow(100_000)])
def test_a_log_snr_grid_is_even_where_the_schedule_lets_it_be(schedule: Schedule) -> None:
    log_snr = log_snr_of(schedule)
    # The log-SNR of flow is infinite at T and at 0: its ends are those of T - 1 and 1.
    log_snr[-1] = log_snr[-1] if schedule is FINE else log_snr[-2]
    grid = timestep_grid(schedule, 11, "log_snr")[:-1]
    strides = log_snr[grid].diff()
    assert grid[-1] == 1
    assert strides.max() / strides.min() < 1.05


@pytest.mark.parametrize("schedule", [FINE, RectifiedFlow(100_000)])
def test_a_karras_grid_is_even_in_the_seventh_root_of_sigma(schedule: Schedule) -> None:
    sigma = (-log_snr_of(schedule)[timestep_grid(schedule, 11, "karras")[1:-1]] / 2).exp()
    strides = -(sigma ** (1 / 7)).diff()
    assert strides.min() > 0
    assert strides.max() / strides.min() < 1.05
    assert sigma[0] < SIGMA_MAX
    assert sigma[-1] == pytest.approx(SIGMA_MIN, rel=0.02)


@pytest.mark.parametrize(("side", "scale"), [(8, 1), (28, 1), (56, 2), (112, 4)])
def test_a_shifted_grid_has_as_many_times_the_noise_as_the_side(side: int, scale: float) -> None:
    schedule = RectifiedFlow(100_000)
    of_any, of_side = (
        (-log_snr_of(schedule)[timestep_grid(schedule, 11, spacing, side * side)[1:-1]] / 2).exp()
        for spacing in ("karras", "shifted")
    )
    torch.testing.assert_close(of_side, scale * of_any, rtol=0.02, atol=0)


@pytest.mark.parametrize("schedule", [FINE, RectifiedFlow(100_000)])
def test_an_angle_grid_is_even_in_the_angle_and_its_middle_has_as_much_noise_as_signal(schedule: Schedule) -> None:
    angle = torch.atan2(schedule.noise, schedule.signal)
    strides = -angle[timestep_grid(schedule, 6, "angle")].diff()
    assert strides.max() / strides.min() < 1.001
    middle = timestep_grid(RectifiedFlow(1000), 2, "angle")[1]
    assert middle == 500


@pytest.mark.parametrize("steps", [0, -1, 101])
def test_a_grid_that_cannot_be_is_refused(steps: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 100"):
        timestep_grid(NoiseSchedule.linear(100), steps)
