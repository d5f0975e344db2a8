"""The average of the weights."""

import copy

import pytest
from torch import nn

from nevoa.training.ema import decay_at, update_average


def test_the_average_is_the_weighted_mean_of_all_weights() -> None:
    """Unrolled: each past weight counts by what all later decays left of it."""
    network = nn.Linear(1, 1, bias=False)
    average, values = copy.deepcopy(network), [1.0, 4.0, -2.0, 7.0]
    start = average.weight.item()
    for update, value in enumerate(values, start=1):
        nn.init.constant_(network.weight, value)
        update_average(average, network, update, 0.2)
    decays = [decay_at(update, 0.2) for update in range(1, 5)]
    expected, left = 0.0, 1.0
    for value, decay in zip(reversed(values), reversed(decays), strict=True):
        expected += left * (1 - decay) * value
        left *= decay
    assert average.weight.item() == pytest.approx(expected + left * start, rel=1e-5)


def test_the_averages_decay_warms_up() -> None:
    decays = [decay_at(update, 0.999) for update in range(1, 20_000)]
    assert decays == sorted(decays)
    assert decays[0] == 0.1
    assert decays[-1] == 0.999
