"""How good a model is: pure functions of features, and a protocol that says how they are used."""

from nevoa.evaluation.judge import Judge, JudgeCard, load_judge, save_judge
from nevoa.evaluation.judge_training import EPOCHS, Lesson, train_judge
from nevoa.evaluation.judges import judge_folder, judge_of
from nevoa.evaluation.meter import DEFAULT_METRICS, METRICS, Metric, Report, measure
from nevoa.evaluation.protocol import COUNT, SEED, Protocol
from nevoa.evaluation.reference import Reference
from nevoa.evaluation.report import as_dict, save
from nevoa.evaluation.stage import Stage
from nevoa.evaluation.subject import Subject, from_files, from_run
from nevoa.evaluation.sweep import Row, save_sweep, sweep

__all__ = [
    "COUNT",
    "DEFAULT_METRICS",
    "EPOCHS",
    "METRICS",
    "SEED",
    "Judge",
    "JudgeCard",
    "Lesson",
    "Metric",
    "Protocol",
    "Reference",
    "Report",
    "Row",
    "Stage",
    "Subject",
    "as_dict",
    "from_files",
    "from_run",
    "judge_folder",
    "judge_of",
    "load_judge",
    "measure",
    "save",
    "save_judge",
    "save_sweep",
    "sweep",
    "train_judge",
]
