"""From noise to images."""

from nevoa.sampling.ddim import DDIM
from nevoa.sampling.ddpm import DDPM, VarianceName
from nevoa.sampling.dpm_solver import DPMSolver
from nevoa.sampling.options import SamplerName, SamplingOptions, settled
from nevoa.sampling.sampler import ImageNoise, Past, Sampler, State, trajectory
from nevoa.sampling.timesteps import SpacingName, timestep_grid

__all__ = [
    "DDIM",
    "DDPM",
    "DPMSolver",
    "ImageNoise",
    "Past",
    "Sampler",
    "SamplerName",
    "SamplingOptions",
    "SpacingName",
    "State",
    "VarianceName",
    "named_sampler",
    "settled",
    "timestep_grid",
    "trajectory",
]


def named_sampler(name: SamplerName, variance: VarianceName = "small", eta: float = 0.0) -> Sampler:
    """The sampler of that name; `variance` is ddpm's, `eta` ddim's."""
    return {"ddpm": DDPM(variance), "ddim": DDIM(eta), "dpm_solver": DPMSolver()}[name]
