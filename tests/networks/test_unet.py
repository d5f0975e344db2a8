"""The notebook's network: its size, and its training in bfloat16."""

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import Denoiser, NoiseSchedule
from nevoa.networks import UNet, convolution
from nevoa.parallel.device import PrecisionName, in_precision
from tests.networks.small_networks import count, distance, operations, rounding


def test_classic_has_the_notebooks_parameters() -> None:
    assert count(UNet(channels=1, dim=28, multipliers=(1, 2, 4), block="convnext", mult=2)) == 2_996_315
    assert count(UNet(channels=1, dim=32, multipliers=(1, 2, 4), block="resnet")) == 2_179_337


Batch = tuple[Tensor, Tensor, Tensor]


def _classic(precision: PrecisionName) -> tuple[UNet, Denoiser]:
    torch.manual_seed(0)
    network = UNet(channels=1, dim=28, multipliers=(1, 2, 4), block="convnext", mult=2)
    return network, Denoiser(in_precision(network, "cpu", precision), NoiseSchedule.linear(1000))


def _batch(seed: int) -> Batch:
    """Return x_0, t and epsilon."""
    generator = torch.Generator().manual_seed(seed)
    x_0 = torch.rand(4, 1, 8, 8, generator=generator) * 2 - 1
    return x_0, torch.randint(1, 1001, (4,), generator=generator), torch.randn(4, 1, 8, 8, generator=generator)


def _loss_and_gradient(network: UNet, denoiser: Denoiser, batch: Batch) -> tuple[float, Tensor]:
    network.zero_grad()
    loss = denoiser.loss(*batch, "huber").mean()
    loss.backward()
    return loss.item(), torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])


@pytest.mark.slow
@pytest.mark.numerical
def test_classic_in_bf16_computes_as_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the same weights, along a training in float32: outputs, losses and gradients agree up to bf16's rounding."""
    monkeypatch.setattr(convolution, "has_matrix_units", lambda: True)
    (network, exact), (copy, rounded) = _classic("float32"), _classic("bfloat16")
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    forward = rounding(operations(network))
    # The gradient passes through every operation twice, forward and backward.
    backward = rounding(2 * operations(network))
    for seed in range(4):
        x_0, t, epsilon = batch = _batch(seed)
        copy.load_state_dict(network.state_dict())
        with torch.no_grad():
            x_t = exact.process.forward(x_0, t, epsilon)
            output, found = network(x_t, t), rounded.network(x_t, t)
        assert 0 < distance(found, output) < forward
        loss, gradient = _loss_and_gradient(network, exact, batch)
        loss_found, gradient_found = _loss_and_gradient(copy, rounded, batch)
        assert 0 < distance(gradient_found, gradient) < backward
        # The slope of the Huber loss is at most 1: the loss errs by no more than the root mean square of the output's
        # error.
        assert abs(loss_found - loss) < forward * float(output.square().mean().sqrt())
        optimizer.step()


@pytest.mark.slow
@pytest.mark.numerical
def test_classic_in_bf16_trains_as_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one batch, from the same weights, both learn equally fast.

    To first order a step lowers the loss by the product of the gradient and the update. Adam's first updates have the
    sign of the gradient g, so an error e changes the product by at most 2 |e|_1 / |g|_1, where it turns signs. Each
    reading of the loss errs by its own rounding, too.
    """
    monkeypatch.setattr(convolution, "has_matrix_units", lambda: True)
    exact, rounded = _losses("float32"), _losses("bfloat16")
    size = operations(_classic("float32")[0])
    fall = exact[0] - exact[-1]
    assert fall > 0.5 * exact[0]
    assert exact != rounded
    for expected, found in zip(exact, rounded, strict=True):
        assert abs(found - expected) < 2 * rounding(2 * size) * fall + rounding(size) * exact[0]


def _losses(precision: PrecisionName) -> list[float]:
    network, denoiser = _classic(precision)
    optimizer, losses, batch = torch.optim.Adam(network.parameters(), lr=1e-3), [], _batch(0)
    for _ in range(8):
        losses.append(_loss_and_gradient(network, denoiser, batch)[0])
        optimizer.step()
    return losses
