"""The training loop: plan, train, record, resume."""

from nevoa.training.distillation import distill, distill_config, distilled_folder
from nevoa.training.fit import fit, fit_resolved, train
from nevoa.training.job import Job, resolve
from nevoa.training.loop import Step
from nevoa.training.plan import Plan
from nevoa.training.progress import show_progress
from nevoa.training.run_job import default_folder, resolve_run
from nevoa.training.start import starting_from

__all__ = [
    "Job",
    "Plan",
    "Step",
    "default_folder",
    "distill",
    "distill_config",
    "distilled_folder",
    "fit",
    "fit_resolved",
    "resolve",
    "resolve_run",
    "show_progress",
    "starting_from",
    "train",
]
