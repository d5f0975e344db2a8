"""The training loop, what it saves, and what it says of itself."""

from nevoa.training.fit import default_folder, fit, fit_prepared, prepare_run, train
from nevoa.training.loop import Step
from nevoa.training.plan import Plan, prepare
from nevoa.training.progress import show_progress

__all__ = ["Plan", "Step", "default_folder", "fit", "fit_prepared", "prepare", "prepare_run", "show_progress", "train"]
