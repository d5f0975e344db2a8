"""The conversion between bytes and [-1, 1]."""

import numpy as np
import pytest
import torch

from nevoa.data import to_bytes, to_unit


def test_all_256_pixel_values_survive_the_round_trip() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    x = to_unit(pixels)
    assert (float(x.min()), float(x.max())) == (-1, 1)
    np.testing.assert_array_equal(to_bytes(x), pixels)


def test_values_outside_are_clamped() -> None:
    x = torch.tensor([-9.0, -1.0, 0.0, 1.0, 9.0]).view(1, 1, 1, 5)
    assert to_bytes(x).flatten().tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("channels", [1, 3])
def test_both_memory_formats_hold_the_same_bits(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 5, channels), dtype=np.uint8)
    plain, last = to_unit(pixels), to_unit(pixels, torch.channels_last)
    assert torch.equal(plain, last)
    assert plain.is_contiguous()
    assert last.is_contiguous(memory_format=torch.channels_last)
    if channels == 1:  # both layouts at once: these strides give the scores and weights of runs so far, bit for bit
        assert plain.stride() == last.stride() == (30, 1, 5, 1)
