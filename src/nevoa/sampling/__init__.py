"""From noise to images."""

from typing import Literal

from nevoa.sampling.ancestral import Ancestral, Variance
from nevoa.sampling.ddim import DDIM
from nevoa.sampling.dpm_solver import DPMSolver
from nevoa.sampling.grid import Spacing, timestep_grid
from nevoa.sampling.sampler import ImageNoise, Past, Sampler, State, trajectory

SamplerName = Literal["ddpm", "ddim", "dpm_solver"]

__all__ = [
    "DDIM",
    "Ancestral",
    "DPMSolver",
    "ImageNoise",
    "Past",
    "Sampler",
    "SamplerName",
    "Spacing",
    "State",
    "Variance",
    "named_sampler",
    "timestep_grid",
    "trajectory",
]


def named_sampler(name: SamplerName, variance: Variance = "small", eta: float = 0.0) -> Sampler:
    """The sampler of that name; `variance` is ddpm's, `eta` ddim's."""
    return {"ddpm": Ancestral(variance), "ddim": DDIM(eta), "dpm_solver": DPMSolver()}[name]
