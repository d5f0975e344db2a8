"""Work on all cores."""

import gc
import os
import sys
import weakref
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from nevoa.data import parallel as parallels
from nevoa.data.parallel import each
from nevoa.errors import NevoaError


@pytest.mark.slow
def test_no_more_is_read_ahead_than_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallels, "available_cores", lambda: 2)
    given = list[int]()

    class Items(list[int]):
        def __getitem__(self, part: Any) -> Any:
            given.extend(super().__getitem__(part))
            return super().__getitem__(part)

    stream = each(lambda number: number, Items(range(5000)))
    assert [next(stream) for _ in range(10)] == list(range(10))
    assert 10 < len(given) <= 200
    assert list(stream) == list(range(10, 5000))


@pytest.mark.slow
@pytest.mark.parametrize("cores", [1, 2, 3])
def test_work_on_all_cores_comes_in_order(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallels, "available_cores", lambda: cores)
    assert list(each(lambda number: number**2, range(1000))) == [number**2 for number in range(1000)]
    others = {process for _, process in each(lambda number: (number, os.getpid()), range(1000))} - {os.getpid()}
    assert bool(others) == (cores > 1 and sys.platform.startswith("linux"))


def test_a_process_that_dies_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallels, "available_cores", lambda: 2)
    with pytest.raises(NevoaError, match="A process that decodes images died"):
        list(each(lambda number: os._exit(1) if number == 500 else number, range(1000)))


def test_no_process_is_left_when_the_work_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallels, "available_cores", lambda: 2)
    stream: Iterator[int] = each(lambda number: os.getpid(), range(1000))
    children = {next(stream) for _ in range(100)}
    stream.close()  # pyright: ignore[reportAttributeAccessIssue]
    for child in children - {os.getpid()}:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_nothing_is_kept_in_memory_when_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallels, "available_cores", lambda: 2)
    work = mock.Mock(side_effect=lambda number: number)
    seen = weakref.ref(work)
    assert list(each(work, range(300))) == [*range(300)]
    del work
    gc.collect()
    assert seen() is None
