"""Processes share work out among them."""

from hypothesis import given
from hypothesis import strategies as st

from nevoa.parallel.group import Group


@given(st.integers(1, 5), st.integers(0, 40), st.integers(1, 9))
def test_each_number_is_made_once_and_in_order(count: int, total: int, at_once: int) -> None:
    """Joined round by round, as many on each process; one alone has full rounds."""
    rounds = [list(Group(rank, count).rounds(total, at_once)) for rank in range(count)]
    assert [number for turn in zip(*rounds, strict=True) for numbers in turn for number in numbers] == [*range(total)]
    assert all(len(numbers) <= at_once for own in rounds for numbers in own)
    if count == 1:
        assert all(len(numbers) == at_once for numbers in rounds[0][:-1])
