"""Pictures among the conditions of a network."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from nevoa.config import PicturePlan
from nevoa.networks import Pictures, ResidualUNet, UNet, null_condition

GRAY = {"gray": PicturePlan(kind="gray", channels=3, height=16, width=8)}
NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "unet": lambda **conditions: UNet(channels=3, dim=12, multipliers=(1, 2), **conditions),
    "residual": lambda **conditions: ResidualUNet(
        3, dim=8, multipliers=(1, 2), blocks=1, attention=(False, True), **conditions
    ),
    "folded": lambda **conditions: ResidualUNet(
        3, dim=8, multipliers=(1, 2), blocks=1, attention=(False, True), patch=2, **conditions
    ),
}


def inputs(height: int = 16, width: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images, picture = (torch.randn(2, channels, height, width, generator=generator) for channels in (3, 2))
    return images, torch.tensor([3, 700]), picture


def awake(network: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network.eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_new_picture_changes_nothing_at_first(name: str) -> None:
    torch.manual_seed(0)
    with_picture, x, t, picture = NETWORKS[name](conditions=GRAY), *inputs()
    without = NETWORKS[name]()
    left = with_picture.load_state_dict(without.state_dict(), strict=False)
    assert left.missing_keys == ["pictures.gray.weight", "pictures.gray.bias"] and not left.unexpected_keys
    torch.testing.assert_close(with_picture(x, t, {"gray": picture}), without(x, t), rtol=0, atol=0)


@pytest.mark.parametrize("size", [(16, 8), (14, 10), (9, 7)])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_picture_reaches_the_output_beside_classes_and_each_image_has_its_own(
    name: str, size: tuple[int, int]
) -> None:
    """Whatever the size, for which images and pictures are padded alike."""
    network, (x, t, picture) = awake(NETWORKS[name](classes=4, conditions=GRAY)), inputs(*size)
    labels, other = torch.tensor([1, 2]), picture.clone()
    other[1] += 1
    one, changed = (network(x, t, {"class": labels, "gray": each}) for each in (picture, other))
    torch.testing.assert_close(one[0], changed[0], rtol=0, atol=1e-5)
    assert (one[1] - changed[1]).abs().max() > 1e-3


def test_it_is_as_if_its_channels_were_beside_those_of_the_image() -> None:
    torch.manual_seed(0)
    stem, x, _, picture = nn.Conv2d(3, 8, 3, padding=1), *inputs()
    pictures = Pictures(GRAY, stem, unit=4)
    added = pictures.get_submodule("gray")
    assert isinstance(added, nn.Conv2d)
    nn.init.normal_(added.weight)
    both = nn.Conv2d(5, 8, 3, padding=1)
    with torch.no_grad():
        both.weight.copy_(torch.cat([stem.weight, added.weight], dim=1))
        both.bias.copy_(stem.bias)  # pyright: ignore[reportOptionalMemberAccess, reportArgumentType]
    found, expected = pictures(stem(x), {"gray": picture}), both(torch.cat([x, picture], dim=1))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_learns_and_a_network_without_its_condition_is_an_error(name: str) -> None:
    network, (x, t, picture) = awake(NETWORKS[name](conditions=GRAY)), inputs()
    network(x, t, {"gray": picture}).square().mean().backward()
    assert all(bool(parameter.grad is not None and parameter.grad.any()) for parameter in network.parameters())
    null = null_condition(0, GRAY, 2)
    assert isinstance(null, dict) and not null["gray"].any() and null["gray"].shape == picture.shape
    with pytest.raises(ValueError, match="takes a tensor for each, by name"):
        network(x, t)
