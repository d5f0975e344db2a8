"""Imported models are measured like runs."""

from pathlib import Path

import pytest

from nevoa.commands.load import load
from nevoa.config import DataConfig
from nevoa.evaluation import Reference, from_model
from nevoa.evaluation.samples import Samples, Stage
from nevoa.formats.diffusers.export import export
from tests.formats.small_models import CLASSES, FOLDED, small_model

pytestmark = pytest.mark.slow


def test_the_images_measured_are_those_of_the_model(tmp_path: Path) -> None:
    export(small_model(FOLDED, classes=CLASSES, sampling={"sampler": "dpm_solver", "steps": 3}), tmp_path / "m")
    model, reference = load(tmp_path / "m"), Reference.of(DataConfig(source="shapes", size=16))
    *stages, samples = from_model(model, reference, 5, seed=1, steps=2)
    assert isinstance(samples, Samples) and all(isinstance(stage, Stage) for stage in stages)
    assert (samples.images == model.sample(5, seed=1, steps=2)).all()
    assert (samples.name, samples.training) == (str(tmp_path / "m"), None)
    assert samples.sampler and samples.sampler["steps"] == 2
