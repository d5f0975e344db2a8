"""A run is measured by its own training images."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

import nevoa
from nevoa.config import Config
from nevoa.errors import NevoaError
from nevoa.evaluation import Reference
from nevoa.evaluation.compare import measured
from nevoa.evaluation.samples import Samples, from_run
from nevoa.model import Model
from nevoa.runs.run import Run
from tests.evaluation.test_shares import of_classes


@pytest.mark.slow
def test_a_run_is_measured_by_what_it_was_trained_on_and_nothing_else(tiny: Config, tmp_path: Path) -> None:
    run, reference = Run(tmp_path / "r"), Mock(spec=Reference)
    for _ in nevoa.fit(tiny, run.folder):
        pass
    *_, subject = from_run(run, reference, 3, seed=0)
    assert isinstance(subject, Samples)
    assert len(subject.images) == 3
    plan = run.plan_file.read_text()
    assert subject.training is not None
    run.plan_file.write_text(plan.replace(subject.training.fingerprint, "0" * 64))
    with pytest.raises(NevoaError, match="have changed since"):
        next(from_run(run, reference, 3, seed=0))


@pytest.mark.parametrize(("counts", "labels"), [([1] * 60, 1), ([57, 1, 2], 2), ([20, 20, 20], 3)])
def test_images_of_classes_of_few_vary_as_if_they_were_of_one(counts: list[int], labels: int) -> None:
    """Drawn within a class of one, an image is always itself: the interval would be a point."""
    training, model = of_classes(counts), Mock(spec=Model, classes=("a", "b"), plan=Mock(conditions={}))
    samples = Samples("r", np.zeros((60, 1, 1, 1), np.uint8), model, training)
    assert len(np.unique(samples.classes)) == labels
    rng = np.random.default_rng(0)
    low, high = measured("r", rng.normal(size=(60, 4)), rng.normal(size=(400, 4)), samples.classes).interval[1:]
    assert high - low > 0.01
