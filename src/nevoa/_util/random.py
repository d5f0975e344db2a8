"""Randomness without state: every draw is a function of a seed, what it is for, and where it stands."""

from collections.abc import Callable
from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a draw is for. Numbers are part of the format of a run: never renumber."""

    WEIGHTS = 0
    ORDER = 1
    FLIP = 2
    TIMESTEP = 3
    NOISE = 4
    SAMPLE = 5
    PICTURE = 7
    DROPOUT = 8
    FEATURE_NETWORK = 9
    EVALUATION = 10
    LABEL_DROPOUT = 11
    SHAPES = 12
    LIMIT = 13


def generator(seed: int, stream: Stream, *position: int) -> np.random.Generator:
    """A fresh generator for one place: the same arguments, the same numbers, whatever was drawn before."""
    return np.random.default_rng([seed, stream, *position])


class Blocks:
    """An endless sequence of draws, made in blocks of 256, of which any stretch can be taken.

    The sequence is the same however it is cut into batches, so it does not depend on batch size, workers or where a
    run was resumed. The last block is kept: consecutive stretches draw each block once.
    """

    SIZE = 256

    def __init__(self, seed: int, stream: Stream, draw: Callable[[np.random.Generator, int], np.ndarray]):
        self._seed, self._stream, self._draw = seed, stream, draw
        self._last: tuple[int, np.ndarray] | None = None

    def take(self, first: int, count: int) -> np.ndarray:
        """TrainingNoise number first … first + count - 1."""
        parts, place, end = [], first, first + count
        while place < end:
            block, start = divmod(place, self.SIZE)
            stop = min(self.SIZE, start + end - place)
            parts.append(self._block(block)[start:stop])
            place += stop - start
        return np.concatenate(parts)

    def _block(self, number: int) -> np.ndarray:
        if self._last is None or self._last[0] != number:
            self._last = number, self._draw(generator(self._seed, self._stream, number), self.SIZE)
        return self._last[1]
