"""A function that reports becomes a generator."""

import threading
from collections.abc import Callable, Generator

import pytest

from nevoa._util.as_generator import as_generator


def counting(log: list[str], end: int = 3) -> Generator[int, None, None]:
    def work(give: Callable[[int], None]) -> None:
        for number in range(end):
            log.append(f"made {number}")
            give(number)
        log.append("done")

    return as_generator(work)


def test_work_waits_until_the_next_item_is_asked_for() -> None:
    log: list[str] = []
    for number in counting(log):
        log.append(f"used {number}")
    assert log == ["made 0", "used 0", "made 1", "used 1", "made 2", "used 2", "done"]


def test_nothing_is_made_before_it_is_asked_for() -> None:
    log: list[str] = []
    counting(log).close()
    assert log == []


def test_a_closed_generator_stops_the_work_and_leaves_no_thread() -> None:
    log: list[str] = []
    before, numbers = threading.active_count(), counting(log)
    assert next(numbers) == 0
    numbers.close()
    assert (log, threading.active_count()) == (["made 0"], before)


def test_an_error_of_the_consumer_stops_the_work() -> None:
    log: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        for _ in counting(log):
            raise KeyboardInterrupt
    assert log == ["made 0"]


def test_an_error_of_the_work_is_raised_after_its_items() -> None:
    def work(give: Callable[[int], None]) -> None:
        give(7)
        raise ValueError("no more")

    items = as_generator(work)
    assert next(items) == 7
    with pytest.raises(ValueError, match="no more"):
        next(items)
