"""Networks by name and as objects."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import nevoa
from nevoa.config import Config, NetworkConfig
from nevoa.config.network import ObjectNetworkConfig, ResidualUNetConfig
from nevoa.config.presets import configure
from nevoa.config.toml import read_toml, to_toml
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.networks import ResidualUNet, UNet, build_network, check_network
from tests.conftest import TINY


class MineConfig(NetworkConfig):
    width: int = 4
    deep: bool = False


class Mine(nn.Module):
    """Two convolutions; a label adds a number."""

    def __init__(self, channels: int, width: int, deep: bool, classes: int):
        super().__init__()
        if width < 1:
            raise ValueError("width must be positive")
        self.deep, self.classes = deep, classes
        self.first, self.last = nn.Conv2d(channels, width, 3, padding=1), nn.Conv2d(width, channels, 3, padding=1)
        self.labels = nn.Embedding(classes + 1, 1)

    def forward(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        added = 0 if label is None else self.labels(label)[:, :, None, None]
        return self.last(self.first(x).relu()) + added + t[:, None, None, None] / 1000


@pytest.fixture
def mine(registered: None) -> None:
    """Register the network `mine` for one test."""
    nevoa.register("network", "mine", Mine, MineConfig)


OPTIONS = ("network.kind=mine", "network.width=3")


@pytest.mark.usefixtures("mine")
def test_a_registered_network_is_configured_built_and_saved(tmp_path: Path) -> None:
    config = configure(options=OPTIONS)
    assert config.network == MineConfig(kind="mine", width=3)
    (tmp_path / "config.toml").write_text(to_toml(config))
    assert read_toml(tmp_path / "config.toml", Config) == config
    network = build_network(config.network, 3, classes=2)
    assert isinstance(network, Mine)
    assert (network.first.in_channels, network.first.out_channels, network.classes) == (3, 3, 2)


@pytest.mark.usefixtures("mine")
def test_a_registered_network_trains_and_loads(tmp_path: Path) -> None:
    small = [option for option in TINY if not option.startswith("network.")]
    config = configure("fashion_mnist_10k", steps=2, options=(*small, *OPTIONS))
    *_, step = nevoa.fit(config, tmp_path / "run")
    model = nevoa.load(tmp_path / "run", "cpu")
    assert isinstance(model.network, Mine)
    np.testing.assert_array_equal(model.sample(2), step.model.sample(2))


def test_parameters_of_any_number_of_dimensions_are_trained_and_load(tmp_path: Path, few_images: ImageSet) -> None:
    class Modulated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel, self.scale = nn.Conv2d(1, 1, 3, padding=1), nn.Parameter(torch.ones(1, 1, 1, 1, 1))

        def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
            return self.kernel(x_t) * self.scale[0]

    small = [option for option in TINY if not option.startswith("network.")]
    config = configure("fashion_mnist_10k", steps=2, options=(*small, "training.condition=none"))
    *_, step = nevoa.fit(config, tmp_path / "run", images=few_images, network=Modulated())
    model = nevoa.load(tmp_path / "run", "cpu", network=Modulated())
    np.testing.assert_array_equal(model.sample(2), step.model.sample(2))


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["network.widht=3"], "There is no config key 'network.widht'. Did you mean 'network.width'?"),
        (["network.width=many"], "network.width: Input should be a valid integer"),
        (["network.dim=8"], "There is no config key 'network.dim'"),
    ],
)
def test_a_wrong_key_of_a_registered_network_is_explained(options: list[str], message: str) -> None:
    with pytest.raises(NevoaError) as error:
        configure(options=["network.kind=mine", *options])
    assert message in str(error.value)
    assert "multipliers" not in str(error.value)


@pytest.mark.usefixtures("mine")
def test_a_network_that_cannot_be_built_is_a_sentence() -> None:
    with pytest.raises(NevoaError, match="describes no network: width must be positive"):
        build_network(configure(options=["network.kind=mine", "network.width=0"]).network, 1)


def test_our_own_networks_are_in_the_table() -> None:
    assert isinstance(build_network(configure(preset="classic").network, 1), UNet)
    assert isinstance(build_network(ResidualUNetConfig(dim=8, groups=1), 3, 2), ResidualUNet)


def test_a_config_of_a_network_object_needs_the_object() -> None:
    config = ObjectNetworkConfig(class_name="models.Dit")
    with pytest.raises(
        NevoaError, match=r"with a network object, models\.Dit\. Pass it again, in Python: network=Dit\(…\)\."
    ):
        build_network(config, 1)


def test_a_network_of_the_right_shape_is_accepted_and_left_as_it_was() -> None:
    network = Mine(3, 4, False, 2)
    network.last.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for classes in (0, 2):
        check_network(network, (3, 5, 7), classes)
    assert network.training and network.first.training and not network.last.training
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


class Returns(nn.Module):
    """A network of (x_t, t) that returns what a function makes of x_t."""

    def __init__(self, function: Any):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor, t: Tensor) -> Any:
        return self.function(x)


@pytest.mark.parametrize(
    ("network", "classes", "message"),
    [
        (
            Returns(lambda x: x[:, :1]),
            0,
            r"must return a tensor of the shape of x_t, \[2, 3, 8, 8\], not \[2, 1, 8, 8\]",
        ),
        (Returns(lambda x: (x, x)), 0, "not tuple"),
        (Returns(lambda x: x), 4, r"does not take \(x_t, t, label\)"),
        (nn.Conv2d(3, 3, 1), 0, r"Conv2d does not take \(x_t, t\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(10, 10)), 0, "Sequential does not take"),
        (Mine(1, 4, False, 0), 0, r"x_t of shape \[2, 3, 8, 8\]"),
        (Mine(3, 4, False, 2), 5, r"does not take \(x_t, t, label\)"),
        (lambda x, t: x, 0, r"subclass of torch\.nn\.Module"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(network: Any, classes: int, message: str) -> None:
    with pytest.raises(NevoaError, match=message) as error:
        check_network(network, (3, 8, 8), classes)
    assert "\n" not in str(error.value)
