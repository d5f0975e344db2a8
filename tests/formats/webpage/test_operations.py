"""Each operation of the page, in every engine, computes what torch computes."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nevoa.formats.webpage.tape import recorded
from nevoa.formats.webpage.weights import rounded
from nevoa.networks.attention import Attention, LinearAttention
from nevoa.networks.blocks import PreNormBlock
from nevoa.networks.convolution import DepthwiseConv2d, DoublingConv2d
from nevoa.networks.embedding import TimestepEmbedding
from nevoa.networks.padding import cropped, padded
from tests.formats.small_models import FOLDED, small_model
from tests.formats.webpage.library import ENGINES, KINDS, Engine, Library

pytestmark = pytest.mark.slow

WIDTH = 6


class Function(nn.Module):
    """A function, and a convolution that leaves as many channels as there were."""

    def __init__(self, function: Callable[[Tensor], Tensor], width_out: int):
        super().__init__()
        self.function, self.back = function, nn.Conv2d(width_out, WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.back(self.function(x))


class Inside(nn.Module):
    """A layer between two convolutions."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.stem, self.layer, self.out = nn.Conv2d(2, WIDTH, 1), layer, nn.Conv2d(WIDTH, 2, 1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.out(self.layer(self.stem(x)))


class Timed(nn.Module):
    """A block that gets the timestep and the label."""

    def __init__(self, adaptive: bool):
        super().__init__()
        self.time, self.stem = TimestepEmbedding(8, nn.SiLU(), classes=3), nn.Conv2d(2, 8, 1)
        self.block, self.out = PreNormBlock(8, 8, 32, groups=2, adaptive=adaptive), nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        return self.out(self.block(self.stem(x), self.time(t, label)[0]))


def there_and_back(there: nn.Module, back: nn.Module) -> nn.Sequential:
    return nn.Sequential(there, back)


# Sides 9 and 7 leave a rest of one pixel to every tile; 8 and 12 can be halved.
ODD, EVEN = (9, 7), (8, 12)
ALONE: dict[str, tuple[Callable[[], nn.Module], tuple[int, int]]] = {
    "3x3": (lambda: nn.Conv2d(WIDTH, WIDTH, 3, padding=1), ODD),
    "7x7 without a bias": (lambda: nn.Conv2d(WIDTH, WIDTH, 7, padding=3, bias=False), ODD),
    "5x3 that keeps the size": (lambda: nn.Conv2d(WIDTH, WIDTH, (5, 3), padding="same"), ODD),
    "4x4 that halves, and doubles": (
        lambda: there_and_back(
            nn.Conv2d(WIDTH, 5, 4, stride=2, padding=1), nn.ConvTranspose2d(5, WIDTH, 4, stride=2, padding=1)
        ),
        EVEN,
    ),
    "3x3 of a doubled image": (
        lambda: there_and_back(
            nn.Conv2d(WIDTH, 5, 2, stride=2), nn.Sequential(DoublingConv2d(5), nn.Conv2d(5, WIDTH, 1))
        ),
        EVEN,
    ),
    "depthwise": (lambda: DepthwiseConv2d(WIDTH, 7), ODD),
    "depthwise, narrow": (lambda: DepthwiseConv2d(WIDTH, 7), (5, 3)),
    "norm of one group": (lambda: nn.GroupNorm(1, WIDTH), ODD),
    "norm of three groups": (lambda: nn.GroupNorm(3, WIDTH), ODD),
    "norm without scale": (lambda: nn.GroupNorm(2, WIDTH, affine=False), ODD),
    "SiLU": (lambda: nn.SiLU(), ODD),
    "GELU": (lambda: nn.GELU(), ODD),
    "attention": (lambda: Attention(WIDTH, heads=2, head_dim=8), ODD),
    "attention of one head": (lambda: Attention(WIDTH, heads=1, head_dim=WIDTH, bias=True), ODD),
    "linear attention": (lambda: LinearAttention(WIDTH, heads=2, head_dim=8), ODD),
    "unshuffle and shuffle": (
        lambda: Function(lambda x: F.pixel_shuffle(F.silu(F.pixel_unshuffle(x, 2)), 2), WIDTH),
        EVEN,
    ),
    "padding": (lambda: Function(lambda x: cropped(F.silu(padded(x, 4)) * 2 + 1, *x.shape[2:]), WIDTH), ODD),
    "concatenation": (lambda: Function(lambda x: torch.cat([x, F.gelu(x), x], dim=1), 3 * WIDTH), ODD),
    "differences": (lambda: Function(lambda x: x.chunk(2, dim=1)[0] - x.chunk(2, dim=1)[1] - 1, WIDTH // 2), ODD),
    "parts of channels": (lambda: Function(lambda x: torch.addcmul(*x.chunk(3, dim=1)), WIDTH // 3), ODD),
    "right and bottom": (lambda: Function(lambda x: F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:], WIDTH), ODD),
}
NETWORKS = {name: (lambda make=make: Inside(make()), size) for name, (make, size) in ALONE.items()} | {
    "time added": (lambda: Timed(adaptive=False), ODD),
    "time scales and shifts": (lambda: Timed(adaptive=True), ODD),
}


def chain(size: tuple[int, int]) -> nn.Module:
    """All operations on images of a size, one after another: WebGPU needs seconds to begin, where no card computes."""
    layers = [make() for make, own in ALONE.values() if own == size]
    return Inside(nn.Sequential(*(nn.Sequential(layer, nn.GroupNorm(1, WIDTH)) for layer in layers)))


def built(make: Callable[[], nn.Module], size: tuple[int, int]) -> tuple[nn.Module, Tensor]:
    """A network with random weights, and images for it."""
    torch.manual_seed(size[0])
    network = make().eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    rounded(network)
    return network, torch.randn(3, 2, *size)


def check(network: nn.Module, x: Tensor, engine: Engine, library: Library) -> None:
    classes, labels = (3, torch.tensor([0, 3, 1])) if isinstance(network, Timed) else (0, None)
    found = library.predicted(network, x, 417, labels, engine, classes)
    with torch.no_grad():
        given = [] if labels is None else [labels]
        expected = network(x, torch.full((3,), 417), *given).numpy()
    assert abs(found - expected).max() < 2e-5 * max(1, abs(expected).max())


@pytest.mark.parametrize("engine", ENGINES[:3])
@pytest.mark.parametrize("name", NETWORKS)
def test_an_operation_is_that_of_torch(name: str, engine: Engine, library: Library) -> None:
    check(*built(*NETWORKS[name]), engine, library)


@pytest.mark.parametrize("name", ["odd sides", "even sides", "time added", "time scales and shifts"])
def test_the_operations_of_webgpu_are_those_of_torch(name: str, library: Library) -> None:
    chains = {"odd sides": (lambda: chain(ODD), ODD), "even sides": (lambda: chain(EVEN), EVEN)}
    check(*built(*(chains | NETWORKS)[name]), "webgpu", library)


def test_every_operation_is_among_them() -> None:
    """Or among those of `test_networks.py`, of networks that are asked for something."""
    kinds = set()
    for name in NETWORKS:
        network, x = built(*NETWORKS[name])
        _, channels, height, width = x.shape
        program = recorded(network, (channels, height, width), 3 if isinstance(network, Timed) else 0)
        kinds |= {operation["kind"] for operation in program.operations}
    asked = small_model(FOLDED, conditions=KINDS)
    program = recorded(asked.network, asked.shape, 0, asked.plan.conditions)
    kinds |= {operation["kind"] for operation in program.operations}
    names = {"conv", "depthwise", "transposed", "linear", "norm", "embedding", "silu", "gelu", "sin", "cos", "add"}
    names |= {"multiply", "concatenate", "window", "pixel_shuffle", "pixel_unshuffle", "attention", "linear_attention"}
    names |= {"words", "pooled", "transpose", "tags", "place", "unless_nothing"}
    assert kinds == names | {"constant"}
