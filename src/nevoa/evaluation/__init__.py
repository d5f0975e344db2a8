"""The quality of images: pure functions of features, and a protocol that fixes how they are used."""

from nevoa.config.registry import METRICS
from nevoa.evaluation.compare import Measured, compare
from nevoa.evaluation.intervals import Interval
from nevoa.evaluation.measure import check_count, choose_metrics, left_out, measure
from nevoa.evaluation.metrics import Metric, Report
from nevoa.evaluation.protocol import Protocol
from nevoa.evaluation.reference import Reference
from nevoa.evaluation.report import as_dict, save
from nevoa.evaluation.samples import Samples, from_files, from_model, from_run
from nevoa.evaluation.seeds import Group, groups
from nevoa.evaluation.stage import Stage
from nevoa.evaluation.sweep import save_sweep, sweep

__all__ = [
    "METRICS",
    "Group",
    "Interval",
    "Measured",
    "Metric",
    "Protocol",
    "Reference",
    "Report",
    "Samples",
    "Stage",
    "as_dict",
    "check_count",
    "choose_metrics",
    "compare",
    "from_files",
    "from_model",
    "from_run",
    "groups",
    "left_out",
    "measure",
    "save",
    "save_sweep",
    "sweep",
]
