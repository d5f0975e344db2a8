"""Schedules and samplers as schedulers of diffusers, and back."""

import warnings
from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from pydantic import ValidationError
from torch import Tensor

from nevoa.config import DiffusionPlan, parse
from nevoa.config.names import PredictionName
from nevoa.config.registry import SCHEDULES
from nevoa.diffusion import NoiseSchedule, RectifiedFlow, Schedule, steps_of
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.objects import schedule_of
from nevoa.sampling import SamplingSettings

if TYPE_CHECKING:
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

PREDICTIONS: dict[PredictionName, str] = {
    "epsilon": "epsilon",
    "x0": "sample",
    "v": "v_prediction",
    "flow": "flow_prediction",
}
NEVOA_PREDICTIONS: dict[str, PredictionName] = {theirs: ours for ours, theirs in PREDICTIONS.items()}
# The samplers that a scheduler of diffusers equals.
SAMPLERS = "dpm_solver", "ddim", "euler", "ddpm"
# Schedules with Ho et al.'s ends, which diffusers knows by name.
NAMES = {"linear": "linear", "quadratic": "scaled_linear"}
# Where no signal is left, diffusers would divide by zero. This is the largest float32 below 1.
LARGEST_BETA = 1 - 2.0**-24
# Their tables are float32, and made in another order of operations.
SAME_BETA = 1e-5
UNKNOWN = "The schedule of this model is not one that nevoa knows: 'nevoa config keys diffusion' lists those it does."


def scheduler_of(model: Model, settings: SamplingSettings) -> "DDPMScheduler | DPMSolverMultistepScheduler":
    """Return the scheduler that makes the steps of a model's sampler. The timesteps come with each call.

    Raises:
        NevoaError: diffusers has no scheduler that makes the same steps.
    """
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

    _check(model, settings)
    options: dict[str, Any] = _betas(model)
    options["prediction_type"] = PREDICTIONS["v" if needs_v(model) else model.plan.diffusion.prediction]
    if settings.sampler == "ddpm":
        # Spaced from 0 in whole strides: those from T, in floating point, may miss one of all T timesteps.
        options |= {"variance_type": f"fixed_{settings.variance}", "timestep_spacing": "leading"}
        return DDPMScheduler(**options, clip_sample=settings.clip)
    return DPMSolverMultistepScheduler(
        **options,
        # DDIM without fresh noise is the solver of first order.
        solver_order=2 if settings.sampler == "dpm_solver" else 1,
        # Without dynamics: the threshold is always 1.
        thresholding=settings.clip,
        sample_max_value=1.0,
        timestep_spacing="trailing",
        use_flow_sigmas=isinstance(model.schedule, RectifiedFlow),
    )


def needs_v(model: Model) -> bool:
    """Whether a scheduler is to get v in place of flow, which those of diffusers know with the schedule flow alone."""
    return model.plan.diffusion.prediction == "flow" and not isinstance(model.schedule, RectifiedFlow)


def _check(model: Model, settings: SamplingSettings) -> None:
    if settings.sampler == "ddpm" and isinstance(model.schedule, RectifiedFlow):
        raise NevoaError("diffusers has no scheduler that equals ddpm with this schedule: add --sampler dpm_solver.")
    if settings.sampler == "ddim" and settings.eta:
        raise NevoaError("diffusers' DDIM does not make the same steps with --eta above 0: add --eta 0.")
    if not isinstance(model.schedule, NoiseSchedule | RectifiedFlow):
        raise NevoaError(
            f"A scheduler of diffusers is defined by its betas, and your schedule {type(model.schedule).__name__} is "
            "not: export with --to onnx, which holds the network alone."
        )


def _betas(model: Model) -> dict[str, Any]:
    schedule, config = model.schedule, model.plan.diffusion
    steps = {"num_train_timesteps": steps_of(schedule)}
    if not isinstance(schedule, NoiseSchedule):
        return steps
    if config.schedule in NAMES and not (config.scale_ends or config.zero_terminal_snr):
        return steps | {"beta_schedule": NAMES[config.schedule], "beta_start": 1e-4, "beta_end": 0.02}
    return steps | {"trained_betas": schedule.beta[1:].clamp(max=LARGEST_BETA).tolist()}


def diffusion_of(config: Mapping[str, Any]) -> DiffusionPlan:
    """Return the process that a scheduler's config describes. A NevoaError if it is not one that nevoa has."""
    prediction = NEVOA_PREDICTIONS.get(config.get("prediction_type", "epsilon"))
    if prediction is None or str(config.get("variance_type", "")).startswith("learned"):
        raise NevoaError(
            "This network predicts its variance or something else that is not epsilon, x_0, v or flow: nevoa cannot "
            "sample from it."
        )
    # Before anything of that length is made.
    parse({"timesteps": config.get("num_train_timesteps", 1000)}, DiffusionPlan)
    if config.get("use_flow_sigmas"):
        return DiffusionPlan(schedule="flow", timesteps=config["num_train_timesteps"], prediction=prediction)
    if not {"beta_start", "trained_betas"} & config.keys():  # other processes are defined otherwise
        raise NevoaError(UNKNOWN)
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    scheduler: Any = DDPMScheduler.from_config(dict(config))
    return _named(scheduler.betas, prediction)


def _named(betas: Float[Tensor, " T"], prediction: PredictionName) -> DiffusionPlan:
    """The named schedule with these betas."""
    for name, scale_ends, zero in product(SCHEDULES.own, (False, True), (False, True)):
        keys = {"schedule": name, "timesteps": len(betas), "prediction": prediction}
        # Some combinations of keys are invalid, and some schedules warn; both are only tried.
        with suppress(ValidationError), warnings.catch_warnings(action="ignore"):
            config = DiffusionPlan(**keys, scale_ends=scale_ends, zero_terminal_snr=zero)
            if _equal(betas, schedule_of(config)):
                return config
    raise NevoaError(UNKNOWN)


def _equal(betas: Float[Tensor, " T"], schedule: Schedule) -> bool:
    """Whether the schedule has these betas; the last one may have been clamped below 1."""
    return isinstance(schedule, NoiseSchedule) and torch.allclose(
        schedule.beta[1:-1].float(), betas[:-1], rtol=SAME_BETA, atol=0
    )
