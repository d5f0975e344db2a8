"""A run is measured by its own training images."""

from pathlib import Path
from unittest.mock import Mock

import pytest

import nevoa
from nevoa.config import Config
from nevoa.errors import NevoaError
from nevoa.evaluation import Reference
from nevoa.evaluation.samples import Samples, from_run
from nevoa.runs.run import Run


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
