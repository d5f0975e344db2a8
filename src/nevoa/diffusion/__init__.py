"""The maths of diffusion. Knows torch and nothing else of ours."""

from nevoa.diffusion.denoiser import Denoiser, Estimate, Guided
from nevoa.diffusion.loss import loss_per_image
from nevoa.diffusion.prediction import PredictionName
from nevoa.diffusion.process import GaussianProcess
from nevoa.diffusion.schedule import NoiseSchedule, ScheduleName
from nevoa.vocabulary import LossName, WeightingName

__all__ = [
    "Denoiser",
    "Estimate",
    "GaussianProcess",
    "Guided",
    "LossName",
    "NoiseSchedule",
    "PredictionName",
    "ScheduleName",
    "WeightingName",
    "loss_per_image",
]
