"""From noise to images: samplers, the loop that runs them, timestep grids and options."""

from nevoa.config.names import SpacingName, VarianceName
from nevoa.config.registry import SAMPLERS
from nevoa.sampling.ddim import DDIM
from nevoa.sampling.ddpm import DDPM
from nevoa.sampling.dpm_solver import DPMSolver
from nevoa.sampling.heun import Heun
from nevoa.sampling.options import (
    SamplingOptions,
    SamplingSettings,
    accepts,
    as_sampler,
    asked_in,
    check_taught,
    sampler_options,
    settings_of,
)
from nevoa.sampling.sampler import ImageNoise, Past, Sampler, State, Transition, estimate_at, last, trajectory
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
    "SamplingOptions",
    "SamplingSettings",
    "SpacingName",
    "State",
    "Transition",
    "VarianceName",
    "accepts",
    "as_sampler",
    "asked_in",
    "check_taught",
    "estimate_at",
    "last",
    "sampler_options",
    "settings_of",
    "timestep_grid",
    "trajectory",
]
