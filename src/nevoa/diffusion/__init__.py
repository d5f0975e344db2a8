"""The mathematics of diffusion: schedules, the process, predictions, losses and denoisers. Depends on torch only."""

from nevoa.config.names import PredictionName, WeightingName
from nevoa.config.registry import SCHEDULES
from nevoa.diffusion.condition import Condition, mapped
from nevoa.diffusion.denoiser import AnyDenoiser, Denoiser, Estimate
from nevoa.diffusion.guidance import Autoguided, Blended, Guided, by_kind, guide_weights, sparing
from nevoa.diffusion.loss import Loss, loss_per_image
from nevoa.diffusion.process import GaussianProcess
from nevoa.diffusion.schedule import (
    NoiseSchedule,
    RectifiedFlow,
    Schedule,
    at,
    log_snr_of,
    named_schedule,
    noise_scale,
    steps_of,
)
from nevoa.diffusion.windows import Span, Window, Windowed, spans

__all__ = [
    "SCHEDULES",
    "AnyDenoiser",
    "Autoguided",
    "Blended",
    "Condition",
    "Denoiser",
    "Estimate",
    "GaussianProcess",
    "Guided",
    "Loss",
    "NoiseSchedule",
    "PredictionName",
    "RectifiedFlow",
    "Schedule",
    "Span",
    "WeightingName",
    "Window",
    "Windowed",
    "at",
    "by_kind",
    "guide_weights",
    "log_snr_of",
    "loss_per_image",
    "mapped",
    "named_schedule",
    "noise_scale",
    "spans",
    "sparing",
    "steps_of",
]
