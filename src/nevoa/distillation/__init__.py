"""From a model of many steps to one of two: a denoiser with a loss of its own, on the loop of `nevoa.training`."""

from nevoa.distillation.from_teacher import distill_config, distilled_folder

__all__ = ["distill_config", "distilled_folder"]
