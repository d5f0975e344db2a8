"""The memory of a training, estimated before it is taken."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import nevoa
from nevoa.config import Config
from nevoa.data import ImageSet, as_image_set
from nevoa.errors import NevoaError
from nevoa.networks import UNet, build_network
from nevoa.training import memory, plan
from nevoa.training.measure import Trial
from nevoa.training.memory import check_activations, saved_bytes


class TwoConvolutions(nn.Module):
    """Saves its input for the first convolution, 8 channels for the activation and 8 for the second convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 1, 3, padding=1))

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


@pytest.mark.parametrize("side", [8, 64, 128])
def test_what_autograd_saves_is_counted(side: int) -> None:
    assert saved_bytes(TwoConvolutions(), (1, side, side)) == 4 * (1 + 8 + 8) * side**2


class Derived(TwoConvolutions):
    """The same, with kernels that are computed from the weights: they are saved once, for all images."""

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        first, _, second = self.layers
        kernels = [2 * layer.weight for layer in (first, second) if isinstance(layer, nn.Conv2d)]
        return nn.functional.conv2d(nn.functional.silu(nn.functional.conv2d(x, kernels[0], padding=1)), kernels[1])


def test_what_is_made_of_weights_is_no_memory_of_each_image() -> None:
    assert saved_bytes(Derived(), (1, 8, 8)) == saved_bytes(TwoConvolutions(), (1, 8, 8))


@pytest.mark.slow
def test_the_estimate_of_large_images_is_never_too_high(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a trial at full size counts is more: the attention of a U-Net grows with the square of the pixels."""
    network = UNet(1, dim=8, multipliers=(1, 2))
    estimated = saved_bytes(network, (1, 96, 96))
    monkeypatch.setattr(memory, "TRIED_SIDE", 96)
    assert saved_bytes(network, (1, 96, 96)) / 2 < estimated < saved_bytes(network, (1, 96, 96))


class OneSize(nn.Module):
    """A network with a weight for each pixel, which takes images of one size only."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(side, side))

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.weight * x


def test_a_network_for_one_size_is_tried_at_that_size() -> None:
    assert saved_bytes(OneSize(96), (1, 96, 96)) == 4 * 96**2


@pytest.mark.parametrize(
    ("free", "advice", "follow"),
    [
        (100, "add -o training.batch_size=200 for smaller batches", {"batch_size": 200}),
        (100, "or -o training.accumulation=3 to compute each batch in parts", {"accumulation": 3}),
        (0.5, r"not even one image fits. Lower network.dim, or take smaller images with --size 11\.", {}),
    ],
)
def test_whoever_follows_the_advice_has_enough_memory(
    tiny: Config, monkeypatch: pytest.MonkeyPatch, free: float, advice: str, follow: dict[str, int]
) -> None:
    """And 11x11 is the largest size of which one image fits into half of the memory of one of 16x16."""
    network, shape = TwoConvolutions(), (1, 16, 16)
    images = as_image_set(np.zeros((2, *shape[1:], 1), np.uint8))
    planned = plan(tiny.updated("training", batch_size=256, accumulation=2), images, records=False).plan
    monkeypatch.setattr(memory, "available_bytes", lambda device: int(free * saved_bytes(network, shape)))
    with pytest.raises(NevoaError, match=advice):
        check_activations(network, shape, planned)
    smaller = (1, 11, 11) if free < 1 else shape
    followed = planned.training.model_copy(update=follow or {"batch_size": 1})
    check_activations(network, smaller, planned.model_copy(update={"training": followed}))


def test_the_size_that_fits_is_one_that_pictures_can_be_made_of(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    images = as_image_set(np.zeros((2, 16, 16, 3), np.uint8))
    planned = plan(tiny.updated("training", condition="downscaled:4"), images, records=False).plan
    network = build_network(planned.network, 3, 0, planned.learned)
    monkeypatch.setattr(memory, "available_bytes", lambda device: saved_bytes(network, images.shape, planned) // 2)
    with pytest.raises(NevoaError, match=r"take smaller images with --size 8\.$"):
        check_activations(network, images.shape, planned)


@pytest.mark.parametrize("what", ["A network of", "Training on"])
def test_a_training_that_does_not_fit_is_refused(
    tiny: Config, few_images: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Before anything is timed or written."""
    parameters = sum(parameter.numel() for parameter in build_network(tiny.network, few_images.shape[0]).parameters())
    copies = {"A network of": 2, "Training on": 4}[what]
    monkeypatch.setattr(memory, "available_bytes", lambda device: 4 * copies * parameters)
    monkeypatch.setattr(Trial, "seconds", lambda _: pytest.fail("measured"))
    with pytest.raises(NevoaError, match=what):
        nevoa.fit(tiny.updated("training", batch_size=256), tmp_path / "r", images=few_images)
    assert not (tmp_path / "r").exists()
