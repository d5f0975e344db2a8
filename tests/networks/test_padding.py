"""Images of any size through a network that halves them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nevoa.networks import ResidualUNet, UNet
from nevoa.networks.padding import cropped, padded


def networks() -> list[nn.Module]:
    """Both, with weights that are nowhere zero."""
    torch.manual_seed(0)
    made: list[nn.Module] = [
        UNet(1, dim=8),
        ResidualUNet(1, dim=8, multipliers=(1, 2), blocks=1, attention=(False, False), patch=2, groups=1),
    ]
    for network in made:
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.1)
    return made


@given(height=st.integers(1, 70), width=st.integers(1, 70), unit=st.sampled_from([1, 2, 4, 8, 16]))
def test_cropping_undoes_padding(height: int, width: int, unit: int) -> None:
    x = torch.arange(2 * height * width, dtype=torch.float64).view(1, 2, height, width)
    wide = padded(x, unit)
    assert wide.shape[2] % unit == wide.shape[3] % unit == 0
    assert wide.shape[2] - height < unit and wide.shape[3] - width < unit
    assert torch.equal(cropped(wide, height, width), x)
    assert wide.sum() == x.sum()


@pytest.mark.parametrize("kind", [0, 1], ids=["unet", "residual"])
@pytest.mark.parametrize("size", [(28, 28), (30, 50), (33, 17), (5, 7)])
def test_a_network_pads_and_crops_inside(kind: int, size: tuple[int, int]) -> None:
    """The same as padding and cropping around it, where its size divides, no padding at all."""
    network = networks()[kind].eval()
    x, t = torch.randn(2, 1, *size), torch.tensor([3, 500])
    with torch.no_grad():
        inside = network(x, t)
        around = cropped(network(padded(x, 4), t), *size)
    assert inside.shape == x.shape
    assert torch.equal(inside, around)
    assert inside.std() > 0


@pytest.mark.parametrize("kind", [0, 1], ids=["unet", "residual"])
def test_every_pixel_of_an_odd_image_counts(kind: int) -> None:
    """The gradient of the output reaches the corners."""
    network = networks()[kind].eval()
    x = torch.randn(1, 1, 9, 11, requires_grad=True)
    network(x, torch.tensor([10])).square().sum().backward()
    assert x.grad is not None
    assert bool((x.grad != 0).all())
