"""Pictures among the conditions of a network."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nevoa.conditions.picture import Downscaled, Gray, Made, Masked
from nevoa.config import PicturePlan
from nevoa.data import to_unit
from nevoa.networks import Consistency, Pictures, ResidualUNet, UNet, null_condition

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


KINDS: dict[str, type[Made]] = {"downscaled": Downscaled, "gray": Gray, "masked": Masked}
# A picture is rounded to whole numbers of 255.
ROUNDING = 1.01 / 127.5


def consistent(name: str, channels: int = 3) -> tuple[Made, Consistency]:
    factor = {"downscaled": 4}.get(name, 1)
    size = {"channels": channels, "height": 16, "width": 8}
    plan = PicturePlan.model_validate({"kind": name, "factor": factor, "consistent": True, **size})
    return KINDS[name](plan), Consistency({name: plan})


SAID: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "downscaled": lambda x, _: F.avg_pool2d(x, 4),
    "gray": lambda x, _: torch.einsum("bchw,c->bhw", x, torch.tensor([0.299, 0.587, 0.114])),
    "masked": lambda x, picture: x * picture[:, -1:],
}


def pictures_of(kind: Made, pixels: np.ndarray) -> Tensor:
    return kind.tensor([*kind.made(pixels, np.linspace(0, 0.9, len(pixels)))])


@pytest.mark.parametrize(("name", "channels"), [("downscaled", 3), ("downscaled", 1), ("gray", 3), ("masked", 1)])
def test_an_output_becomes_the_nearest_image_that_has_the_picture(name: str, channels: int) -> None:
    """So it is not farther from the clean image than it was."""
    kind, consistency = consistent(name, channels)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 8, channels), dtype=np.uint8)
    picture, x_0 = pictures_of(kind, pixels), to_unit(pixels)
    output = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(0))
    found = consistency(output, {name: picture})
    torch.testing.assert_close(SAID[name](found, picture), SAID[name](x_0, picture), rtol=0, atol=ROUNDING)
    # Pythagoras: the way from the output to it is at right angles to the way from there to the clean image.
    way, rest = (found - output).flatten(1), (x_0 - found).flatten(1)
    assert ((way * rest).sum(1).abs() < 0.01 * way.norm(dim=1) * rest.norm(dim=1)).all()
    assert (way.norm(dim=1) > 1).all()


@pytest.mark.parametrize("name", KINDS)
def test_without_a_picture_the_output_stays(name: str) -> None:
    kind, consistency = consistent(name)
    x = torch.randn(2, 3, 16, 8)
    torch.testing.assert_close(consistency(x, {name: kind.tensor([None, None])}), x, rtol=0, atol=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_returns_images_that_have_the_picture(name: str) -> None:
    """Without weights for it."""
    kind, _ = consistent("downscaled")
    network, (x, t, _) = awake(NETWORKS[name](conditions={"downscaled": kind.plan})), inputs()
    picture = pictures_of(kind, np.random.default_rng(0).integers(0, 256, (2, 16, 8, 3), dtype=np.uint8))
    found = network(x, t, {"downscaled": picture})
    torch.testing.assert_close(F.avg_pool2d(found, 4), F.avg_pool2d(picture[:, :3], 4), rtol=0, atol=1e-5)
    assert not any("consistency" in key for key in network.state_dict())


def test_a_network_that_is_built_without_memory_has_what_it_projects_by() -> None:
    """Else a model would be built twice when it is opened, and torch would import its compiler: six seconds."""
    kind, _ = consistent("downscaled")
    with torch.device("meta"):
        network = NETWORKS["residual"](conditions={"downscaled": kind.plan})
    assert all(parameter.is_meta for parameter in network.parameters())
    assert [*network.buffers()] and not any(buffer.is_meta for buffer in network.get_submodule("consistency").buffers())
