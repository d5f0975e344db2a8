"""Floating-point operations are counted as torch counts them."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nevoa.networks import ResidualUNet, UNet
from nevoa.training.operations import flop_of


@pytest.mark.parametrize(
    "make",
    [
        lambda: UNet(channels=1, dim=8),
        lambda: ResidualUNet(3, dim=8, multipliers=(1, 2), blocks=1, attention=(False, True), patch=2, adaptive=True),
    ],
)
def test_both_networks_have_the_operations_that_torch_counts(make: Callable[[], nn.Module]) -> None:
    network = make().eval()
    x, t = torch.zeros(1, 1 if isinstance(network, UNet) else 3, 16, 16), torch.ones(1, dtype=torch.int64)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(x, t)
    assert flop_of(lambda: network(x, t)) == counter.get_total_flops() > 1e6


def test_a_matrix_product_has_two_operations_for_each_term() -> None:
    assert flop_of(lambda: torch.zeros(3, 5) @ torch.zeros(5, 7)) == 2 * 3 * 5 * 7
