"""From noise to images: samplers, the loop that runs them, timestep grids and options."""

from nevoa.config.names import SamplerName, SpacingName, VarianceName
from nevoa.sampling.ddim import DDIM
from nevoa.sampling.ddpm import DDPM
from nevoa.sampling.dpm_solver import DPMSolver
from nevoa.sampling.heun import Heun
from nevoa.sampling.options import SAMPLERS, SamplingOptions, SamplingSettings, as_sampler, check_taught, settled
from nevoa.sampling.sampler import ImageNoise, Past, Sampler, State, Transition, estimate_at, trajectory
from nevoa.sampling.timesteps import SPACINGS, timestep_grid

__all__ = [
    "DDIM",
    "DDPM",
    "SAMPLERS",
    "SPACINGS",
    "DPMSolver",
    "Heun",
    "ImageNoise",
    "Past",
    "Sampler",
    "SamplerName",
    "SamplingOptions",
    "SamplingSettings",
    "SpacingName",
    "State",
    "Transition",
    "VarianceName",
    "as_sampler",
    "check_taught",
    "estimate_at",
    "settled",
    "timestep_grid",
    "trajectory",
]
