"""What every network promises, whatever its kind."""

import pytest
import torch
from torch import Tensor, nn

from tests.networks.small_networks import SMALL, awake, inputs


@pytest.mark.parametrize("name", SMALL)
def test_output_has_the_shape_of_the_images(name: str) -> None:
    x, t = inputs()
    assert SMALL[name]()(x, t).shape == x.shape


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_gets_a_finite_gradient(name: str) -> None:
    network = awake(name).train()
    network(*inputs()).square().mean().backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert bool(parameter.grad.isfinite().all()), parameter_name
        # A bias before GroupNorm(1) alone can be without effect up to rounding, no parameter is unused.
        assert bool(parameter.grad.any()), parameter_name


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_the_compiler_sees_one_graph(name: str) -> None:
    """In bf16, too. Parts of a network compiled by themselves were slow, or failed."""
    network = awake(name)
    with torch.autocast("cpu", torch.bfloat16):
        compiled = torch.compile(network, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(*inputs()), network(*inputs()))


@pytest.mark.numerical
@pytest.mark.parametrize("name", SMALL)
def test_an_image_does_not_see_its_neighbours(name: str) -> None:
    network, (x, t) = awake(name), inputs(3)
    torch.testing.assert_close(network(x, t)[1:2], network(x[1:2], t[1:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_the_timestep_matters(name: str) -> None:
    network, (x, t) = awake(name), inputs()
    assert (network(x, t) - network(x, t + 100)).abs().max() > 1e-4


@pytest.mark.parametrize("name", SMALL)
def test_a_hook_on_any_module_fires(name: str) -> None:
    network, fired = awake(name), set()
    modules = {path: module for path, module in network.named_modules() if not isinstance(module, nn.ModuleList)}
    for path, module in modules.items():
        module.register_forward_hook(lambda *_, path=path: fired.add(path))
    network(*inputs())
    assert fired == set(modules)


class Adapter(nn.Module):
    """A layer plus a product of rank 1 (LoRA, Hu et al. 2022)."""

    def __init__(self, layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        super().__init__()
        self.layer = layer
        if isinstance(layer, nn.Linear):
            self.down: nn.Module = nn.Linear(layer.in_features, 1)
            self.up: nn.Module = nn.Linear(1, layer.out_features)
        else:
            kind = nn.ConvTranspose2d if isinstance(layer, nn.ConvTranspose2d) else nn.Conv2d
            size, stride, padding = layer.kernel_size, layer.stride, layer.padding
            self.down = kind(layer.in_channels, 1, size, stride, padding)  # pyright: ignore[reportArgumentType]
            self.up = nn.Conv2d(1, layer.out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + self.up(self.down(x))


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_any_layer_can_be_adapted(name: str) -> None:
    """Replace each convolution and linear layer in turn, as LoRA does: the output changes."""
    network, (x, t) = awake(name), inputs()
    before = network(x, t)
    for path, layer in list(network.named_modules()):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            parent, _, attribute = path.rpartition(".")
            setattr(network.get_submodule(parent), attribute, Adapter(layer))
            assert (network(x, t) - before).abs().max() > 1e-5, path
            setattr(network.get_submodule(parent), attribute, layer)
    assert torch.equal(network(x, t), before)
