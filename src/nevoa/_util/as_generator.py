"""A function that reports as it goes, turned into a generator."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")


def as_generator(work: Callable[[Callable[[Item], None]], object]) -> Generator[Item, None, None]:
    """Yield every item that `work` gives to the function it gets.

    `work` runs in a thread, but never at the same time as the caller: it waits inside that function until the next item
    is asked for. A generator that is closed stops it there. Its exceptions are raised here.

    Example:
        >>> list(as_generator(lambda give: [give(number) for number in range(3)]))
        [0, 1, 2]
    """
    items: SimpleQueue[tuple[Item, ...]] = SimpleQueue()
    wishes: SimpleQueue[bool] = SimpleQueue()

    def give(item: Item) -> None:
        items.put((item,))
        if not wishes.get():
            raise GeneratorExit

    def run() -> None:
        try:
            work(give)
        finally:
            items.put(())

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run)
        try:
            while item := items.get():
                yield item[0]
                wishes.put(True)
        finally:
            wishes.put(False)
        running.result()
