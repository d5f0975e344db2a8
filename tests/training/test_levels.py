"""The loss by noise level."""

import math

import torch

from nevoa.training.levels import LEVELS, add_by_level, by_level
from nevoa.training.state import Mean

RANGES = [(-math.inf, -6), (-6, -3), (-3, 0), (0, 3), (3, 6), (6, math.inf)]


def test_each_image_counts_in_the_range_of_its_log_snr_and_no_other() -> None:
    """A bound belongs to the range below it; of two batches the means are those of their images together."""
    log_snr = torch.arange(-8, 8.25, 0.25, dtype=torch.float64)
    losses = torch.randn(len(log_snr), generator=torch.Generator().manual_seed(0)) ** 2
    means = dict[str, Mean]()
    for part in (slice(0, 30), slice(30, None)):
        add_by_level(means, losses[part], log_snr[part])
    expected = [losses[(log_snr > low) & (log_snr <= high)].double().mean().item() for low, high in RANGES]
    torch.testing.assert_close([*by_level(means).values()], expected)
    assert [*by_level(means)] == [*LEVELS]


def test_a_range_without_images_has_no_loss() -> None:
    means = dict[str, Mean]()
    add_by_level(means, torch.ones(1), torch.ones(1, dtype=torch.float64))
    assert by_level(means) == {"0_to_3": 1.0}
