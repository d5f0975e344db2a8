"""Randomness without state: every draw is a function of a seed, its purpose and its position."""

from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache

import numpy as np


class Stream(IntEnum):
    """The purpose of a draw. The numbers are part of a run's format: never renumber."""

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
    HELD_OUT = 14
    FEATURE_SPLIT = 15
    MASKS = 16
    CONDITION = 17
    IMITATION = 18
    AUGMENTATION = 19
    CLASSES = 20
    IN_CLASS = 21


def generator(seed: int, stream: Stream, position: int) -> np.random.Generator:
    """A fresh generator for one position: the same arguments give the same numbers, whatever was drawn before.

    `position` has no default: numpy pads with zeros, so leaving it out would mean position 0. A seed below 2**32 is one
    word, so two such seeds share no numbers.
    """
    return np.random.default_rng([seed, stream, position])


class Blocks:
    """An endless sequence of draws, generated in blocks of 256; any range of it can be taken.

    The sequence does not depend on how it is cut into batches: not on the batch size, the number of processes or the
    point of a resume. The last block is cached, so consecutive ranges generate each block once.
    """

    SIZE = 256

    def __init__(self, seed: int, stream: Stream, draw: Callable[[np.random.Generator, int], np.ndarray]):
        @lru_cache(maxsize=1)
        def block(number: int) -> np.ndarray:
            return draw(generator(seed, stream, number), self.SIZE)

        self._block = block

    def take(self, first: int, count: int) -> np.ndarray:
        """Return draws number first … first + count - 1."""
        end, parts = first + count, []
        for start in range(first - first % self.SIZE, end, self.SIZE):
            parts.append(self._block(start // self.SIZE)[max(0, first - start) : end - start])
        return np.concatenate(parts)
