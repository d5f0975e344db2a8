"""Convolutions computed in another way are still the convolutions of torch."""

import pytest
import torch
from torch import Tensor, nn

from nevoa.networks import convolution
from nevoa.networks.convolution import DepthwiseConv2d, DoublingConv2d
from tests.compiler import needs_compiler
from tests.networks.small_networks import distance, rounding


def gradients(y: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    """Of a sum with fixed random weights."""
    return torch.autograd.grad(y, inputs, torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(y))


@pytest.mark.parametrize("dim", [1, 9, 18, 28, 34, 48])
@pytest.mark.parametrize(("height", "width"), [(7, 7), (5, 12), (1, 3)])
def test_a_depthwise_convolution_as_a_dense_one_is_the_same(dim: int, height: int, width: int) -> None:
    """Output, and the gradients of input, weights and bias, beside those of `nn.Conv2d` in float64."""
    torch.manual_seed(0)
    ours = DepthwiseConv2d(dim, 7).double()
    theirs = nn.Conv2d(dim, dim, 7, padding=3, groups=dim).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, dim, height, width, dtype=torch.float64, requires_grad=True)
    ours_y, theirs_y = ours.as_dense(x), theirs(x)
    torch.testing.assert_close(ours_y, theirs_y)
    for mine, reference in zip(
        gradients(ours_y, x, *ours.parameters()), gradients(theirs_y, x, *theirs.parameters()), strict=True
    ):
        torch.testing.assert_close(mine, reference)


def test_the_dense_way_is_for_bf16_on_matrix_units_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    dense: list[int] = []
    monkeypatch.setattr(DepthwiseConv2d, "as_dense", lambda self, x: dense.append(1) or x)
    layer, x = DepthwiseConv2d(4, 7), torch.randn(1, 4, 5, 5)
    for has_units, precision, expected in ((True, True, 1), (True, False, 0), (False, True, 0)):
        dense.clear()
        monkeypatch.setattr(convolution, "has_matrix_units", lambda has_units=has_units: has_units)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision):
            layer(x)
        assert len(dense) == expected


@pytest.mark.parametrize("size", [(3, 5), (1, 1)])
def test_doubling_convolves_the_doubled_image(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    ours, theirs = DoublingConv2d(4).double(), nn.Conv2d(4, 4, 3, padding=1).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 4, *size, dtype=torch.float64, requires_grad=True)
    ours_y, theirs_y = ours(x), theirs(nn.functional.interpolate(x, scale_factor=2.0, mode="nearest"))
    torch.testing.assert_close(ours_y, theirs_y)
    for mine, reference in zip(
        gradients(ours_y, x, *ours.parameters()), gradients(theirs_y, x, *theirs.parameters()), strict=True
    ):
        torch.testing.assert_close(mine, reference)


def test_doubling_in_bf16_is_that_in_float32_up_to_rounding() -> None:
    torch.manual_seed(0)
    layer, x = DoublingConv2d(4), torch.randn(2, 4, 3, 5)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(x).float()
    assert 0 < distance(rounded, layer(x)) < rounding(1)


@pytest.mark.slow
@needs_compiler
def test_compiled_doubling_has_the_same_gradients() -> None:
    """torch 2.13 gave zeros here with `F.interpolate`."""
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 8, 3, padding=1), DoublingConv2d(8), nn.GroupNorm(1, 8), nn.SiLU(), nn.Conv2d(8, 1, 1)
    network, x = nn.Sequential(*layers), torch.randn(2, 1, 7, 7)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network(x), torch.compile(network)(x)
    ours, theirs = (torch.cat([part.flatten() for part in gradients(y, *network.parameters())]) for y in outputs)
    assert distance(ours, theirs) < rounding(2 * len(layers))
