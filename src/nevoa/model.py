"""A trained model: a network with all that is needed to make images with it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import nn

from nevoa.config import Config, DiffusionConfig, NetworkConfig, SamplingConfig, UNetConfig
from nevoa.data import to_bytes
from nevoa.device import DeviceName, PrecisionName, in_precision
from nevoa.diffusion import Denoiser, NoiseSchedule
from nevoa.errors import NevoaError, unknown
from nevoa.networks import ResidualUNet, UNet
from nevoa.random import Stream, generator
from nevoa.sampling import ImageNoise, SamplerName, State, Variance, named_sampler, timestep_grid, trajectory

# Enough for full speed on two cores, and small enough that 1000-step sampling at 64x64 fits in 1 GiB.
IMAGES_AT_ONCE = 256


@dataclass(frozen=True)
class Model:
    """Makes images.

    Attributes:
        config: the run's.
        network: float32, in evaluation mode while it is used here.
        shape: (C, H, W) of an image.
    """

    config: Config
    network: nn.Module
    shape: tuple[int, int, int]
    device: DeviceName = "cpu"
    precision: PrecisionName = "float32"

    @property
    def schedule(self) -> NoiseSchedule:
        return schedule_of(self.config.diffusion)

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def denoiser(self, clip: bool = False) -> Denoiser:
        """The network as a denoiser, in the model's precision."""
        network = in_precision(self.network, self.device, self.precision)
        return Denoiser(network, self.schedule, self.config.diffusion.prediction, clip)

    def settings(
        self,
        sampler: SamplerName | None = None,
        steps: int | None = None,
        variance: Variance | None = None,
        clip: bool | None = None,
    ) -> SamplingConfig:
        """The config's sampling with what is given in its place. Another sampler: all T steps for ddpm, else 50."""
        own, timesteps = self.config.sampling, self.config.diffusion.timesteps
        if sampler is not None and sampler not in ("ddpm", "ddim"):
            raise unknown("sampler", sampler, ("ddpm", "ddim"))
        if variance is not None and variance not in ("small", "large"):
            raise unknown("variance", variance, ("small", "large"))
        if steps is not None and not 1 <= steps <= timesteps:
            raise NevoaError(
                f"steps is between 1 and {timesteps}, the timesteps this model was trained on, not {steps}."
            )
        own_steps = own.steps if sampler in (None, own.sampler) else None
        default = timesteps if (sampler or own.sampler) == "ddpm" else min(50, timesteps)
        return SamplingConfig(
            sampler=sampler or own.sampler,
            steps=steps or own_steps or default,
            variance=variance or own.variance,
            clip=own.clip if clip is None else clip,
        )

    def trajectory(
        self,
        count: int,
        sampler: SamplerName | None = None,
        steps: int | None = None,
        seed: int = 0,
        variance: Variance | None = None,
        clip: bool | None = None,
        first: int = 0,
    ) -> Iterator[State]:
        """The reverse process of images number first … first + count - 1 of a seed, in `steps + 1` states.

        `x_t` is `[count, C, H, W]`. What is not given is as the config's `sampling` has it.
        """
        settings = self.settings(sampler, steps, variance, clip)
        noise = ImageNoise(seed, first, count, self.shape, self.device)
        grid = timestep_grid(self.config.diffusion.timesteps, settings.steps or self.config.diffusion.timesteps)
        self.network.eval()
        kind = named_sampler(settings.sampler, settings.variance)
        return trajectory(self.denoiser(settings.clip), kind, noise(), grid, noise)

    def trajectories(self, count: int, **settings: Any) -> Iterator[Iterator[State]]:
        """`trajectory` for any count, in batches that fit in memory; the same keywords."""
        for first in range(0, count, IMAGES_AT_ONCE):
            yield self.trajectory(min(IMAGES_AT_ONCE, count - first), first=first, **settings)

    def sample(
        self,
        count: int,
        sampler: SamplerName | None = None,
        steps: int | None = None,
        seed: int = 0,
        variance: Variance | None = None,
        clip: bool | None = None,
    ) -> UInt8[np.ndarray, "N H W C"]:
        """New images. Image n of a seed is the same picture whatever the count."""
        if count < 1:
            raise NevoaError(f"count is at least 1, not {count}.")
        batches = self.trajectories(count, sampler=sampler, steps=steps, seed=seed, variance=variance, clip=clip)
        return np.concatenate([to_bytes(last(states).x_t) for states in batches])

    def to(self, device: DeviceName) -> "Model":
        """The same model on another device."""
        return replace(self, network=self.network.to(device), device=device)


def schedule_of(config: DiffusionConfig) -> NoiseSchedule:
    """The schedule that a config names."""
    return NoiseSchedule.named(config.schedule, config.timesteps)


def last(states: Iterator[State]) -> State:
    """The end of a trajectory: the images."""
    return deque(states, maxlen=1).pop()


def build_network(config: NetworkConfig, channels: int) -> nn.Module:
    """The network that a config describes, for images of so many channels."""
    arguments = config.model_dump(exclude={"kind"})
    return UNet(channels, **arguments) if isinstance(config, UNetConfig) else ResidualUNet(channels, **arguments)


def fresh_network(config: Config, shape: tuple[int, int, int]) -> nn.Module:
    """The network before training; its weights are a function of the seed. A NevoaError if the images do not fit it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(config.training.seed, Stream.WEIGHTS).integers(2**63)))
        network = build_network(config.network, shape[0])
    _check_size(shape, int(network.downsampling))  # pyright: ignore[reportArgumentType]
    return network


def _check_size(shape: tuple[int, int, int], unit: int) -> None:
    _, height, width = shape
    if height % unit == 0 and width % unit == 0:
        return
    near = sorted({max(unit, side // unit * unit + more) for side in (height, width) for more in (0, unit)})
    raise NevoaError(
        f"Images of {height}x{width} do not fit this network, which halves them to a multiple of {unit}. "
        f"Use data.size={' or data.size='.join(map(str, near))}, or fewer network.multipliers."
    )
