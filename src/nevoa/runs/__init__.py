"""The run folder: training appends to it, everything else reads it. Only this room knows the file names in it."""

from nevoa.config.names import RunStatus
from nevoa.runs.find import newest_run, run_around
from nevoa.runs.layout import RUNS
from nevoa.runs.lock import refuse_if_training, remove, status_of, training_lock
from nevoa.runs.missing import check_has_model, meant, not_a_run
from nevoa.runs.overview import Summary, runs_in
from nevoa.runs.run import PACKAGED, ObjectOptions, Run, load

__all__ = [
    "PACKAGED",
    "RUNS",
    "ObjectOptions",
    "Run",
    "RunStatus",
    "Summary",
    "check_has_model",
    "load",
    "meant",
    "newest_run",
    "not_a_run",
    "refuse_if_training",
    "remove",
    "run_around",
    "runs_in",
    "status_of",
    "training_lock",
]
