"""Waiting for other processes: for what they do, or until a moment drawn at random."""

import os
import random
import time
from collections.abc import Callable

import pytest

SEED = "NEVOA_TEST_SEED"


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait for something that another process or thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"It did not happen in {seconds} seconds."
        time.sleep(0.02)


class Moments:
    """Moments drawn at random, at which a test stops or kills a process."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pause(self, most: float) -> None:
        """Wait for at most so many seconds."""
        time.sleep(self.random.uniform(0, most))


@pytest.fixture
def moments() -> Moments:
    """Others in each run of the tests; pytest shows the seed when a test fails, and the variable repeats it."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(10**9))
    print(f"To stop at the same moments: {SEED}={seed}")
    return Moments(seed)
