"""The run folder: training appends to it, everything else reads it. Only this room knows the file names in it."""

from nevoa.config.names import RunStatus
from nevoa.runs.card_rows import card_text, data_licence, prompts_to_try
from nevoa.runs.checkpoint import best_saved, newest_saved
from nevoa.runs.layout import RUNS
from nevoa.runs.lock import refuse_if_training, remove, status_of, training_lock
from nevoa.runs.missing import check_has_model, meant, not_a_run
from nevoa.runs.overview import Summary, chosen_in_words, newest_run, planned_images, run_around, runs_in
from nevoa.runs.packaged import PACKAGED, TO_START_FROM, is_packaged, named, packaged_names
from nevoa.runs.reports import best_report
from nevoa.runs.run import ObjectOptions, Run, load
from nevoa.runs.tracking import Sent, read_sent, reports_after, write_sent

__all__ = [
    "PACKAGED",
    "RUNS",
    "TO_START_FROM",
    "ObjectOptions",
    "Run",
    "RunStatus",
    "Sent",
    "Summary",
    "best_report",
    "best_saved",
    "card_text",
    "check_has_model",
    "chosen_in_words",
    "data_licence",
    "is_packaged",
    "load",
    "meant",
    "named",
    "newest_run",
    "newest_saved",
    "not_a_run",
    "packaged_names",
    "planned_images",
    "prompts_to_try",
    "read_sent",
    "refuse_if_training",
    "remove",
    "reports_after",
    "run_around",
    "runs_in",
    "status_of",
    "training_lock",
    "write_sent",
]
