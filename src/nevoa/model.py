"""A trained model: a network with all that is needed to make images with it."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn

from nevoa._util.device import DeviceName, PrecisionName, in_precision
from nevoa._util.random import Stream, generator
from nevoa.config import Config, DiffusionConfig, NetworkConfig, SamplingConfig, UNetConfig
from nevoa.data import label_of, to_bytes
from nevoa.diffusion import AnyDenoiser, Denoiser, Guided, Schedule, named_schedule, steps_of
from nevoa.errors import NevoaError
from nevoa.networks import ResidualUNet, UNet
from nevoa.sampling import ImageNoise, SamplingOptions, State, as_sampler, settled, timestep_grid, trajectory

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
    def schedule(self) -> Schedule:
        return schedule_of(self.config.diffusion)

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes it can be asked for, in the order of their labels; none if it is unconditional."""
        return self.config.classes

    def denoiser(
        self, clip: bool = False, label: Int64[Tensor, " B"] | None = None, guidance: float = 1.0
    ) -> AnyDenoiser:
        """The network as a denoiser, in the model's precision; of the classes given, else of no class in particular."""
        network = in_precision(self.network, self.device, self.precision)
        denoiser = Denoiser(network, self.schedule, self.config.diffusion.prediction, clip)
        return denoiser if label is None else Guided(denoiser, label, len(self.classes), guidance)

    def labels(
        self, count: int, first: int = 0, wish: Sequence[int | str] | None = None
    ) -> Int64[Tensor, " count"] | None:
        """The labels of images number first … first + count - 1: `wish`, or all classes, in turn.

        So image n is of the same class whatever the count. None for an unconditional model.
        """
        cycle = labels_of(self.classes, wish)
        numbers = range(first, first + count)
        return torch.tensor([cycle[n % len(cycle)] for n in numbers], device=self.device) if cycle else None

    def settings(self, **wishes: Unpack[SamplingOptions]) -> SamplingConfig:
        """How images are made: the config's sampling with what is given, and not None, in its place."""
        return settled(self.config, **wishes)

    def trajectory(
        self, count: int, seed: int = 0, first: int = 0, **wishes: Unpack[SamplingOptions]
    ) -> Iterator[State]:
        """The reverse process of images number first … first + count - 1 of a seed, in `steps + 1` states.

        `x_t` is `[count, C, H, W]`. What is not given is as the config's `sampling` has it, and all classes in turn.
        """
        settings = self.settings(**wishes)
        noise = ImageNoise(seed, first, count, self.shape, self.device)
        grid = timestep_grid(self.schedule, settings.steps or steps_of(self.schedule), settings.spacing)
        self.network.eval()
        kind = as_sampler(settings.sampler, settings.variance, settings.eta)
        label = self.labels(count, first, wishes.get("labels"))
        return trajectory(self.denoiser(settings.clip, label, settings.guidance), kind, noise(), grid, noise)

    def trajectories(self, count: int, seed: int = 0, **wishes: Unpack[SamplingOptions]) -> Iterator[Iterator[State]]:
        """`trajectory` for any count, in batches that fit in memory."""
        for first in range(0, count, IMAGES_AT_ONCE):
            yield self.trajectory(min(IMAGES_AT_ONCE, count - first), seed, first, **wishes)

    def sample(self, count: int, seed: int = 0, **wishes: Unpack[SamplingOptions]) -> UInt8[np.ndarray, "N H W C"]:
        """New images. Image n of a seed is the same picture whatever the count."""
        if count < 1:
            raise NevoaError(f"count is at least 1, not {count}.")
        return np.concatenate([to_bytes(last(states).x_t) for states in self.trajectories(count, seed, **wishes)])

    def to(self, device: DeviceName) -> "Model":
        """The same model on another device."""
        return replace(self, network=self.network.to(device), device=device)


def schedule_of(config: DiffusionConfig) -> Schedule:
    """Return the schedule that a config describes."""
    return named_schedule(config.schedule, config.timesteps, config.scale_ends, config.zero_terminal_snr)


def last(states: Iterator[State]) -> State:
    """The end of a trajectory: the images."""
    return deque(states, maxlen=1).pop()


def build_network(config: NetworkConfig, channels: int, classes: int = 0) -> nn.Module:
    """The network that a config describes, for images of so many channels and, if conditional, so many classes."""
    arguments = config.model_dump(exclude={"kind"})
    kind = UNet if isinstance(config, UNetConfig) else ResidualUNet
    return kind(channels, **arguments, classes=classes)


def fresh_network(config: Config, shape: tuple[int, int, int]) -> nn.Module:
    """The network before training; its weights are a function of the seed."""
    if config.training.conditional and not config.classes:
        raise NevoaError("The classes are not resolved: call nevoa.training.resolve(config) first.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(config.training.seed, Stream.WEIGHTS).integers(2**63)))
        network = build_network(config.network, shape[0], len(config.classes))
    # What the convolutions of oneDNN and cuDNN are fastest in, when training and when drawing.
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def network_shapes(config: Config, shape: tuple[int, int, int]) -> dict[str, torch.Size]:
    """Names and shapes of the network's tensors, without making them. A NevoaError if the config is no network's."""
    try:
        with torch.device("meta"):
            network = build_network(config.network, shape[0], len(config.classes))
    except (ValueError, RuntimeError) as error:
        raise NevoaError(f"The config describes no network: {str(error).splitlines()[0]}.") from error
    return {name: tensor.shape for name, tensor in network.state_dict().items()}


def labels_of(classes: Sequence[str], wish: Sequence[int | str] | None = None) -> Sequence[int]:
    """The labels that images are made of in turn: of the classes wished for, else of all. Empty for no classes."""
    if wish is None:
        return range(len(classes))
    if not classes:
        raise NevoaError("This model knows no classes: it was trained without training.conditional=true.")
    if not wish:
        raise NevoaError("labels is empty: name a class, or leave it out.")
    return [label_of(classes, one) for one in wish]
