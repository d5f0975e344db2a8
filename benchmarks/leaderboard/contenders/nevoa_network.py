"""nevoa's network for the other contenders: what remains different is the method.

Each wrapper has what a library asks of a network. All compute in the precision that nevoa would choose.
"""

import math
from types import SimpleNamespace
from typing import Any

import torch
from common import Task
from torch import Tensor, nn


def network_named(own: str, task: Task) -> str:
    """The network in the words of the table: a contender's own, or nevoa's of a width."""
    return own if task.width is None else f"nevoa's network of width {task.width}"


def nevoa_batch() -> int:
    """The images of a step, the same for every method."""
    from nevoa.training.width import SMALL_BATCH

    return SMALL_BATCH


class NevoaNetwork(nn.Module):
    """The unconditional network of preset `quick`: (x_t, t in 0 ... 1000) -> output."""

    # denoising-diffusion-pytorch reads these, and the channels.
    self_condition = random_or_learned_sinusoidal_cond = False

    def __init__(self, dim: int, shape: tuple[int, int, int]):
        super().__init__()
        from nevoa.config.registry import PRESETS
        from nevoa.networks import ResidualUNet
        from nevoa.parallel.device import choose_device, choose_precision, in_precision
        from nevoa.training.by_size import network_for

        keys = network_for(shape, PRESETS["quick"]["network"], details=False)
        self.channels = self.out_dim = shape[0]
        self.network = ResidualUNet(shape[0], **{**keys, "dim": dim})
        device = choose_device()
        self._call = in_precision(self.network, device, choose_precision(device))

    def forward(self, x_t: Tensor, t: Tensor, *_: object) -> Tensor:
        return self._call(x_t, t)


class ForDiffusers(NevoaNetwork):
    """As a UNet2DModel is called."""

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def forward(self, x_t: Tensor, t: Any, *_: object) -> Any:
        return SimpleNamespace(sample=super().forward(x_t, torch.as_tensor(t, device=x_t.device).expand(len(x_t))))


def for_smalldiffusion(dim: int, shape: tuple[int, int, int], sigma_min: float, sigma_max: float) -> nn.Module:
    """As a smalldiffusion model, whose noise levels are spread over the timesteps by their logarithm."""
    from smalldiffusion import ModelMixin, Scaled  # pyright: ignore[reportMissingImports]

    class Network(nn.Module, ModelMixin):
        input_dims = shape

        def __init__(self):
            super().__init__()
            self.network = NevoaNetwork(dim, shape)

        def forward(self, x: Tensor, sigma: Tensor, cond: object = None) -> Tensor:
            share = (sigma / sigma_min).log() / math.log(sigma_max / sigma_min)
            return self.network(x, (1000 * share).round().clamp(0, 1000).long().flatten().expand(len(x)))

    return Scaled(Network)()
