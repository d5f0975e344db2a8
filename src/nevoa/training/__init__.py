"""The training loop, what it saves, and what it says of itself."""

from nevoa.training.fit import default_folder, fit, fit_resolved, resolve_run, train
from nevoa.training.loop import Step
from nevoa.training.plan import Plan, Profile, resolve
from nevoa.training.progress import show_progress

__all__ = [
    "Plan",
    "Profile",
    "Step",
    "default_folder",
    "fit",
    "fit_resolved",
    "resolve",
    "resolve_run",
    "show_progress",
    "train",
]
