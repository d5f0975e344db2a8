"""Small networks of every kind, and the rounding errors to expect of a network."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nevoa.networks import ResidualUNet, UNet

SMALL: dict[str, Callable[[], nn.Module]] = {
    "convnext": lambda: UNet(channels=3, dim=12, multipliers=(1, 2, 3)),
    "resnet": lambda: UNet(channels=3, dim=12, multipliers=(1, 2, 3), block="resnet"),
    "residual": lambda: ResidualUNet(3, dim=8, multipliers=(1, 2, 2), blocks=1, attention=(False, True, False)),
    "folded": lambda: ResidualUNet(3, dim=8, multipliers=(1, 2), blocks=1, attention=(False, True), patch=2),
    "adaptive": lambda: ResidualUNet(
        3, dim=8, multipliers=(1, 2), blocks=1, attention=(False, True), groups=1, adaptive=True
    ),
}
CLASSES = 4
CONDITIONAL: dict[str, Callable[[], nn.Module]] = {
    "unet of classes": lambda: UNet(channels=3, dim=12, multipliers=(1, 2, 3), classes=CLASSES),
    "residual of classes": lambda: ResidualUNet(
        3, dim=8, multipliers=(1, 2), blocks=1, attention=(False, True), classes=CLASSES
    ),
}

# The largest relative error of rounding to bfloat16, which keeps 8 significant bits.
BFLOAT16_ROUNDOFF = 2.0**-8
ROUNDING = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.GroupNorm, nn.GELU, nn.SiLU)


def rounding(operations: int) -> float:
    """Bound the relative error (in the 2-norm) of operations in series, each of which rounds its result to bfloat16.

    Independent errors of at most u each add up to sqrt(n) u (Higham and Mary 2019, "A new approach to probabilistic
    rounding error analysis"). No machine's kernels round more often than once per operation.
    """
    return operations**0.5 * BFLOAT16_ROUNDOFF


def operations(network: nn.Module) -> int:
    """Count the layers that round their result; the longest path through the network has no more."""
    return sum(isinstance(module, ROUNDING) for module in network.modules())


def distance(found: Tensor, expected: Tensor) -> float:
    """Return the relative error in the 2-norm."""
    return float(((found - expected).norm() / expected.norm()).detach())


def count(network: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def inputs(batch: int = 2) -> tuple[Tensor, Tensor]:
    """Return images `[batch, 3, 16, 8]` and timesteps."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, 3, 16, 8, generator=generator), torch.arange(1, batch + 1) * 7


def awake(name: str) -> nn.Module:
    """Return a network whose layers that start at zero have weights, so that they hide nothing."""
    torch.manual_seed(0)
    network = (SMALL | CONDITIONAL)[name]().eval()
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network
