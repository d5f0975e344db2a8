"""When something is due."""

from hypothesis import given
from hypothesis import strategies as st

from nevoa.training.step import passes


@given(st.integers(1, 300), st.integers(1, 700), st.integers(1, 50))
def test_reports_come_once_for_each_multiple_that_is_reached_or_passed(size: int, every: int, batches: int) -> None:
    """As many, whatever the batch size, as there are multiples; a batch that passes several has one."""
    due = [number * size for number in range(1, batches + 1) if passes(number * size, size, every)]
    expected = {-(-multiple // size) * size for multiple in range(every, batches * size + 1, every)}
    assert due == sorted(expected)
