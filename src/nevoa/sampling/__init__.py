"""From noise to images."""

from typing import Literal

from nevoa.sampling.ancestral import Ancestral, Variance
from nevoa.sampling.ddim import DDIM
from nevoa.sampling.sampler import ImageNoise, Sampler, State, timestep_grid, trajectory

SamplerName = Literal["ddpm", "ddim"]

__all__ = [
    "DDIM",
    "Ancestral",
    "ImageNoise",
    "Sampler",
    "SamplerName",
    "State",
    "Variance",
    "named_sampler",
    "timestep_grid",
    "trajectory",
]


def named_sampler(name: SamplerName, variance: Variance = "small") -> Sampler:
    """The sampler of that name; `variance` is ddpm's."""
    return Ancestral(variance) if name == "ddpm" else DDIM()
