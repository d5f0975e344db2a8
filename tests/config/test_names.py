"""Every vocabulary has a table with a row for each name, so that a name and its row are all there is to add."""

from typing import Any, get_args

import pytest

from nevoa.config import Config
from nevoa.config import names as vocabulary
from nevoa.config.presets import PRESETS
from nevoa.diffusion.loss import LOSSES
from nevoa.diffusion.prediction import PREDICTIONS
from nevoa.diffusion.schedule import SCHEDULES
from nevoa.evaluation import METRICS
from nevoa.sampling import SAMPLERS
from nevoa.training.optimizer import OPTIMIZERS


@pytest.mark.parametrize(
    ("names", "table"),
    [
        (vocabulary.SectionName, Config.model_fields),
        (vocabulary.ScheduleName, SCHEDULES),
        (vocabulary.PredictionName, PREDICTIONS),
        (vocabulary.LossName, LOSSES),
        (vocabulary.SamplerName, SAMPLERS),
        (vocabulary.PresetName, PRESETS),
        (vocabulary.MetricName, METRICS),
        (vocabulary.OptimizerName, {*OPTIMIZERS, "muon"}),
    ],
)
def test_every_name_has_its_row(names: Any, table: Any) -> None:
    assert set(get_args(names)) == set(table)
