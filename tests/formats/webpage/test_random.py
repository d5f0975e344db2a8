"""The noise of the page is that of numpy, bit for bit."""

import numpy as np
import pytest

from nevoa._util.random import Stream, generator
from tests.formats.webpage.library import Library

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("entropy", [[0, 5, 0], [3, 5, 17], [2**32 - 1, 5, 2**20], [2**40 + 5, 5, 1], [1]])
def test_noise_is_that_of_numpy(entropy: list[int], library: Library) -> None:
    found = library("async ([entropy, size]) => Array.from(new nevoa.Noise(entropy).draw(size))", entropy, 5000)
    expected = np.random.default_rng(entropy).standard_normal(5000, dtype=np.float32)
    assert np.array_equal(np.array(found, np.float32), expected)


def test_the_tail_of_the_distribution_is_that_of_numpy(library: Library) -> None:
    """Beyond 3.65 a number in 3,800 comes from another method than the others."""
    code = "async ([size]) => Array.from(new nevoa.Noise([7]).draw(size).filter((x) => Math.abs(x) > 3.6))"
    drawn = np.random.default_rng([7]).standard_normal(300_000, dtype=np.float32)
    expected = drawn[abs(drawn) > 3.6]
    assert (abs(expected) > 3.66).sum() > 20
    assert np.array_equal(np.array(library(code, 300_000), np.float32), expected)


def test_images_of_a_seed_draw_what_nevoa_sample_draws(library: Library) -> None:
    code = """async ([images, size]) => {
      const fresh = nevoa.noiseOf(images, size);
      return [...fresh(), ...fresh()];
    }"""
    wishes = [{"seed": 4, "number": number, "label": None} for number in (0, 3)]
    found = np.array(library(code, wishes, 6), np.float32).reshape(2, 2, 6)
    for place, number in enumerate((0, 3)):
        rng = generator(4, Stream.SAMPLE, number)
        expected = [rng.standard_normal(6, dtype=np.float32) for _ in range(2)]
        assert np.array_equal(found[:, place], expected)
