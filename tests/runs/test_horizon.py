"""The learning rate stays continuous, however often the end of a training moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevoa.runs.horizon import Horizon

SHARES = st.floats(0.01, 1)
IMAGES = st.integers(10, 10**6)


@given(IMAGES, SHARES)
def test_the_cool_down_fills_its_share_at_the_end(images: int, cooldown: float) -> None:
    horizon, begin = Horizon(images), (1 - cooldown) * images
    assert horizon.cooled_at(0, cooldown) == horizon.cooled_at(int(begin), cooldown) == 0
    assert horizon.cooled_at(images, cooldown) == 1
    middle = (begin + images) / 2
    assert abs(horizon.cooled_at(round(middle), cooldown) - 0.5) <= 0.5 / (images - begin) + 1e-9


@given(IMAGES, SHARES, st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 3)), max_size=5), st.booleans())
def test_a_moved_horizon_neither_jumps_nor_warms_up_again(
    images: int, cooldown: float, moves: list[tuple[float, float]], cooling: bool
) -> None:
    horizon, passed = Horizon(images, cooling=cooling), 0.0
    for at, by in moves:
        seen = horizon.since + round(at * (horizon.images - horizon.since))
        cooled = horizon.cooled_at(seen, cooldown)
        assert cooled >= passed
        horizon = horizon.moved(seen, seen + max(1, round(by * (horizon.images - seen))), cooldown)
        assert horizon.cooled_at(seen, cooldown) == pytest.approx(cooled)
        passed = horizon.cooled_at(seen, cooldown)
    places = [horizon.since + (horizon.images - horizon.since) * step // 20 for step in range(21)]
    shares = [horizon.cooled_at(place, cooldown) for place in places]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_a_cool_down_that_was_asked_for_begins_at_once() -> None:
    horizon = Horizon(100, since=60, cooling=True)
    assert [horizon.cooled_at(seen, cooldown=0.1) for seen in (60, 80, 100)] == [0, 0.5, 1]


@given(IMAGES, st.integers(1, 512))
def test_a_horizon_is_decided_again_before_its_end_after_whole_batches(images: int, batch_size: int) -> None:
    """Seldom at first, often at the end, and never twice at the same place."""
    horizon = Horizon(images, since=batch_size)
    following = horizon.next_decision(batch_size)
    assert following % batch_size == 0
    assert batch_size <= following - horizon.since <= max(batch_size, (images - horizon.since) / 16)
