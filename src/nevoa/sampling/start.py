"""How the reverse process starts: from noise, or as another function says."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from nevoa.diffusion import AnyDenoiser
from nevoa.sampling.options import SamplingOptions
from nevoa.sampling.sampler import ImageNoise, Sampler, State, trajectory


@dataclass(frozen=True)
class Process:
    """The reverse process of images number `first` to `first + count - 1` of a seed, ready to run.

    Attributes:
        asked: returns the denoiser of these images, of which sampling options say what they are asked to be.
        options: as the user gave them.
    """

    asked: Callable[[SamplingOptions], AnyDenoiser]
    options: SamplingOptions
    sampler: Sampler
    grid: Sequence[int]
    noise: ImageNoise
    first: int
    count: int

    @property
    def denoiser(self) -> AnyDenoiser:
        """The denoiser of images that are asked what the user asks."""
        return self.asked(self.options)


def from_noise(process: Process) -> Iterator[State]:
    """Start from pure noise."""
    return trajectory(process.denoiser, process.sampler, process.noise(), process.grid, process.noise)


@dataclass(frozen=True)
class Start:
    """How the reverse process starts.

    Attributes:
        states: runs it.
        strength: the share of all timesteps at which it starts.
        all_classes: whether a conditional model makes all classes in turn if none is asked for; else it works without.
    """

    states: Callable[[Process], Iterator[State]]
    strength: float = 1.0
    all_classes: bool = True


FROM_NOISE = Start(from_noise)
