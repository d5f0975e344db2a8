"""Blocks use the time, and norms have groups that let it through."""

import torch
from torch import nn

from nevoa.networks.blocks import PreNormBlock, group_norm, wide_group_norm


def test_an_adaptive_block_scales_and_shifts_by_the_time() -> None:
    """A scale of -1 leaves the shift alone: what the first half made of the image is gone, the shortcut is not."""
    torch.manual_seed(0)
    block = PreNormBlock(8, 8, time_dim=4, groups=1, adaptive=True)
    nn.init.normal_(block.get_parameter("second.2.weight"))
    told, time, shift = block.get_parameter("time.1.bias"), torch.ones(2, 4), torch.linspace(-1, 1, 8)
    told.data = torch.cat([-torch.ones(8), shift])
    x = torch.randn(2, 8, 5, 5)
    alone = block.second(shift[None, :, None, None].expand_as(x))
    torch.testing.assert_close(block(x, time), x + alone)
    told.data = torch.zeros(16)
    torch.testing.assert_close(block(x, time), x + block.second(block.norm(block.first(x))))


def test_no_group_is_a_single_channel() -> None:
    """A norm over one channel would undo what the time adds to it."""
    for width in range(8, 513, 4):
        norm = wide_group_norm(width)
        assert width // norm.num_groups >= 4
    assert wide_group_norm(128).num_groups == 32


def test_groups_always_divide_the_width() -> None:
    for width in range(1, 200):
        assert width % group_norm(8, width).num_groups == 0
    assert group_norm(8, 28).num_groups == 4
