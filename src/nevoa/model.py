"""A trained model: a network with all that is needed to make images with it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack, get_args

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
from nevoa.sampling import (
    ImageNoise,
    SamplerName,
    Spacing,
    State,
    Variance,
    named_sampler,
    timestep_grid,
    trajectory,
)

# Enough for full speed on two cores, and small enough that 1000-step sampling at 64x64 fits in 1 GiB.
IMAGES_AT_ONCE = 256

CHOICES: dict[str, tuple[str, ...]] = {
    "sampler": get_args(SamplerName),
    "spacing": get_args(Spacing),
    "variance": get_args(Variance),
}


class SamplingWishes(TypedDict, total=False):
    """What a user may say of how images are made; None is as good as nothing.

    Attributes:
        steps: evaluations of the network, 1 … T.
        spacing: of the timesteps they are at.
        variance: ddpm's.
        eta: ddim's, 0 … 1.
        clip: whether x_0 is clipped to [-1, 1] at every step.
    """

    sampler: SamplerName | None
    steps: int | None
    spacing: Spacing | None
    variance: Variance | None
    eta: float | None
    clip: bool | None


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

    def settings(self, **wishes: Unpack[SamplingWishes]) -> SamplingConfig:
        """The config's sampling with what is given, and not None, in its place.

        Another sampler than the config's takes all T steps for ddpm, 50 for ddim, 20 for dpm_solver, unless given.
        """
        own, timesteps = self.config.sampling, self.config.diffusion.timesteps
        wished: dict[str, Any] = {name: value for name, value in wishes.items() if value is not None}
        for name, known in CHOICES.items():
            if wished.get(name, known[0]) not in known:
                raise unknown(name, str(wished[name]), known)
        if not 1 <= wished.get("steps", 1) <= timesteps:
            limit = f"{timesteps}, the timesteps this model was trained on"
            raise NevoaError(f"steps is between 1 and {limit}, not {wished['steps']}.")
        if not 0 <= wished.get("eta", 0) <= 1:
            raise NevoaError(f"eta is between 0 and 1, not {wished['eta']}.")
        settings = own.model_copy(update=wished)
        if "steps" not in wished and (own.steps is None or settings.sampler != own.sampler):
            default = {"ddpm": timesteps, "ddim": 50, "dpm_solver": 20}[settings.sampler]
            settings = settings.model_copy(update={"steps": min(default, timesteps)})
        return settings

    def trajectory(
        self, count: int, seed: int = 0, first: int = 0, **wishes: Unpack[SamplingWishes]
    ) -> Iterator[State]:
        """The reverse process of images number first … first + count - 1 of a seed, in `steps + 1` states.

        `x_t` is `[count, C, H, W]`. What is not given is as the config's `sampling` has it.
        """
        settings = self.settings(**wishes)
        noise = ImageNoise(seed, first, count, self.shape, self.device)
        grid = timestep_grid(self.schedule, settings.steps or self.schedule.steps, settings.spacing)
        self.network.eval()
        kind = named_sampler(settings.sampler, settings.variance, settings.eta)
        return trajectory(self.denoiser(settings.clip), kind, noise(), grid, noise)

    def trajectories(self, count: int, seed: int = 0, **wishes: Unpack[SamplingWishes]) -> Iterator[Iterator[State]]:
        """`trajectory` for any count, in batches that fit in memory."""
        for first in range(0, count, IMAGES_AT_ONCE):
            yield self.trajectory(min(IMAGES_AT_ONCE, count - first), seed, first, **wishes)

    def sample(self, count: int, seed: int = 0, **wishes: Unpack[SamplingWishes]) -> UInt8[np.ndarray, "N H W C"]:
        """New images. Image n of a seed is the same picture whatever the count."""
        if count < 1:
            raise NevoaError(f"count is at least 1, not {count}.")
        return np.concatenate([to_bytes(last(states).x_t) for states in self.trajectories(count, seed, **wishes)])

    def to(self, device: DeviceName) -> "Model":
        """The same model on another device."""
        return replace(self, network=self.network.to(device), device=device)


def schedule_of(config: DiffusionConfig) -> NoiseSchedule:
    """The schedule that a config names."""
    schedule = NoiseSchedule.named(config.schedule, config.timesteps)
    return schedule.with_zero_terminal_snr() if config.zero_terminal_snr else schedule


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
