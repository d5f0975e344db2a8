"""Training: plan, train, record, resume."""

from nevoa.training.distributed import prepare_together
from nevoa.training.fit import fit, fit_job
from nevoa.training.forecast import Forecast
from nevoa.training.job import Job, Wish, default_folder, prepare
from nevoa.training.planning import plan
from nevoa.training.progress import show_progress
from nevoa.training.resume import Planned
from nevoa.training.start import starting_from
from nevoa.training.step import Step

__all__ = [
    "Forecast",
    "Job",
    "Planned",
    "Step",
    "Wish",
    "default_folder",
    "fit",
    "fit_job",
    "plan",
    "prepare",
    "prepare_together",
    "show_progress",
    "starting_from",
]
