"""The networks: the published sizes, gradients everywhere, and nothing that a batch's neighbours could change."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from nevoa._util.device import PrecisionName, in_precision
from nevoa.diffusion import Denoiser, NoiseSchedule
from nevoa.networks import ResidualUNet, UNet, convolution
from nevoa.networks.attention import Attention, LinearAttention
from nevoa.networks.blocks import PreNormBlock, group_norm, wide_group_norm
from nevoa.networks.embedding import sinusoidal

SMALL: dict[str, Callable[[], nn.Module]] = {
    "convnext": lambda: UNet(channels=3, dim=12, multipliers=(1, 2, 3)),
    "resnet": lambda: UNet(channels=3, dim=12, multipliers=(1, 2, 3), block="resnet"),
    "residual": lambda: ResidualUNet(3, 8, (1, 2, 2), blocks=1, attention=(False, True, False)),
    "folded": lambda: ResidualUNet(3, 8, (1, 2), blocks=1, attention=(False, True), patch=2),
    "adaptive": lambda: ResidualUNet(3, 8, (1, 2), blocks=1, attention=(False, True), groups=1, adaptive=True),
}
CLASSES = 4
CONDITIONAL: dict[str, Callable[[], nn.Module]] = {
    "unet of classes": lambda: UNet(channels=3, dim=12, multipliers=(1, 2, 3), classes=CLASSES),
    "residual of classes": lambda: ResidualUNet(3, 8, (1, 2), blocks=1, attention=(False, True), classes=CLASSES),
}


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def inputs(batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, 3, 16, 8, generator=generator), torch.arange(1, batch + 1) * 7


def awake(name: str) -> nn.Module:
    """A network whose zeroed output layers have been given weights, so that they hide nothing."""
    torch.manual_seed(0)
    network = (SMALL | CONDITIONAL)[name]().eval()
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network


def test_classic_has_the_notebooks_parameters() -> None:
    assert count(UNet(channels=1, dim=28, multipliers=(1, 2, 4), block="convnext", mult=2)) == 2_996_315
    assert count(UNet(channels=1, dim=32, multipliers=(1, 2, 4), block="resnet")) == 2_179_337


@pytest.mark.slow
def test_ddpm_cifar10_has_the_parameters_of_ho_et_al() -> None:
    """35.7 million (appendix B); to the last one those of the copy that diffusers rebuilds."""
    from diffusers.models.unets.unet_2d import UNet2DModel

    theirs = UNet2DModel(
        sample_size=32,
        block_out_channels=(128, 256, 256, 256),
        layers_per_block=2,
        attention_head_dim=None,
        norm_num_groups=32,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    )
    assert count(ResidualUNet()) == count(theirs) == 35_746_307


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


@pytest.mark.parametrize("classes", [0, CLASSES])
def test_classes_add_a_table_and_change_nothing_else(classes: int) -> None:
    """The keys of an unconditional network are those of one that never heard of classes."""
    for kind in (UNet, ResidualUNet):
        plain, network = kind(3, 8), kind(3, 8, classes=classes)
        expected, found = plain.state_dict(), network.state_dict()
        assert not [name for name in expected if "label" in name]
        if classes:
            assert found.pop("time.labels.weight").shape == (classes + 1, 32)
        assert {name: value.shape for name, value in found.items()} == {
            name: value.shape for name, value in expected.items()
        }


@pytest.mark.parametrize("name", CONDITIONAL)
def test_the_label_matters_and_none_is_the_null_label(name: str) -> None:
    network, (x, t) = awake(name), inputs()
    outputs = [network(x, t, torch.full_like(t, label)) for label in range(CLASSES + 1)]
    for label in range(CLASSES):
        assert (outputs[label] - outputs[label + 1]).abs().max() > 1e-4
    assert torch.equal(network(x, t), outputs[CLASSES])
    mixed = network(x, t, torch.tensor([2, 0]))
    torch.testing.assert_close(mixed, torch.stack([outputs[2][0], outputs[0][1]]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CONDITIONAL)
def test_each_used_label_gets_a_gradient_and_no_other(name: str) -> None:
    network, (x, t) = awake(name), inputs(3)
    network(x, t, torch.tensor([1, CLASSES, 1])).square().mean().backward()
    gradient = network.get_parameter("time.labels.weight").grad
    assert gradient is not None
    assert gradient.any(1).tolist() == [False, True, False, False, True]


@pytest.mark.parametrize("name", SMALL)
def test_a_label_for_a_network_without_classes_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="takes no labels"):
        SMALL[name]()(*inputs(), torch.tensor([0, 0]))


@pytest.mark.parametrize("name", SMALL)
def test_an_image_does_not_see_its_neighbours(name: str) -> None:
    network, (x, t) = awake(name), inputs(3)
    torch.testing.assert_close(network(x, t)[1:2], network(x[1:2], t[1:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_the_timestep_matters(name: str) -> None:
    network, (x, t) = awake(name), inputs()
    assert (network(x, t) - network(x, t + 100)).abs().max() > 1e-4


def test_a_residual_network_starts_at_zero() -> None:
    x, t = inputs()
    assert SMALL["folded"]()(x, t).abs().max() == 0


def test_sinusoids_are_their_formula() -> None:
    t, width = torch.tensor([1, 500, 1000]), 8
    embedded = sinusoidal(t, width).double()
    for row, time in zip(embedded, t.tolist(), strict=True):
        angles = torch.tensor([time * 10_000 ** (-i / (width / 2 - 1)) for i in range(width // 2)], dtype=torch.float64)
        torch.testing.assert_close(row, torch.cat([angles.sin(), angles.cos()]), rtol=1e-3, atol=2e-4)


def test_attention_is_a_weighted_mean_of_values() -> None:
    """Written out position by position."""
    torch.manual_seed(0)
    layer, x = Attention(6, heads=2, head_dim=4), torch.randn(1, 6, 2, 3)
    q, k, v = layer.qkv(x).reshape(3, 2, 4, 6).unbind(0)
    y = torch.zeros(2, 4, 6)
    for head in range(2):
        for i in range(6):
            weights = torch.stack([q[head, :, i] @ k[head, :, j] / 4**0.5 for j in range(6)]).softmax(0)
            y[head, :, i] = sum(weights[j] * v[head, :, j] for j in range(6))
    torch.testing.assert_close(layer(x), layer.out(y.reshape(1, 8, 2, 3)), rtol=1e-4, atol=1e-5)


def test_linear_attention_is_its_definition() -> None:
    """q (k v^T) grouped the other way: (q k^T) v, with an explicit matrix over positions."""
    torch.manual_seed(0)
    layer, x = LinearAttention(6, heads=2, head_dim=4), torch.randn(1, 6, 2, 3)
    q, k, v = layer.qkv(x).reshape(3, 2, 4, 6).unbind(0)
    weights = torch.einsum("hdi,hdj->hij", q.softmax(1) * 4**-0.5, k.softmax(2))
    y = torch.einsum("hij,hdj->hdi", weights, v)
    torch.testing.assert_close(layer(x), layer.out(y.reshape(1, 8, 2, 3)), rtol=1e-4, atol=1e-5)


def test_attention_on_matrix_units_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The formula in place of the fused kernel: the same output and gradient, up to bf16's 8 bits."""
    monkeypatch.setattr(convolution, "has_matrix_units", lambda: True)
    torch.manual_seed(0)
    layer, x = Attention(16, heads=2, head_dim=8), torch.randn(2, 16, 3, 5)
    exact = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(x).float()
    expected, found = (torch.autograd.grad(y.square().sum(), list(layer.parameters())) for y in (exact, rounded))
    for ours, theirs in zip((rounded.detach(), *found), (exact.detach(), *expected), strict=True):
        assert 0 < float((ours - theirs).norm()) < 0.02 * float(theirs.norm())


@pytest.mark.slow
def test_classic_in_bf16_trains_as_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same images and noise, from the same weights: ten losses within 1 %, the mean of thirty within 2 %.

    Later losses drift apart: Adam's first steps have the sign of each gradient, however small.
    """
    monkeypatch.setattr(convolution, "has_matrix_units", lambda: True)
    exact, rounded = _classic_losses("float32"), _classic_losses("bfloat16")
    assert exact[:10] != rounded[:10] == pytest.approx(exact[:10], rel=0.01)
    assert sum(rounded) == pytest.approx(sum(exact), rel=0.02)
    assert sum(rounded[-5:]) < 0.8 * sum(rounded[:5])


def _classic_losses(precision: PrecisionName) -> list[float]:
    torch.manual_seed(0)
    network = UNet(channels=1, dim=28, multipliers=(1, 2, 4), block="convnext", mult=2)
    denoiser = Denoiser(in_precision(network, "cpu", precision), NoiseSchedule.linear(1000))
    optimizer, losses = torch.optim.Adam(network.parameters(), lr=1e-3), []
    for _ in range(30):
        x_0, t, epsilon = torch.rand(4, 1, 16, 16) * 2 - 1, torch.randint(1, 1001, (4,)), torch.randn(4, 1, 16, 16)
        optimizer.zero_grad()
        loss = denoiser.loss(x_0, t, epsilon, "huber").mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


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
