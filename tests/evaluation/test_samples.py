"""The images to measure: classes in their shares, and a run's own training images."""

from collections import Counter
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nevoa
from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.evaluation import Reference
from nevoa.evaluation.samples import Samples, classes_in_shares, from_run
from nevoa.runs.run import Run


def of_classes(counts: list[int]) -> ImageSet:
    labels = np.repeat(np.arange(len(counts)), counts)
    return ImageSet("x", np.zeros((len(labels), 1, 1, 1), np.uint8), labels, tuple(map(str, range(len(counts)))), "")


@given(counts=st.lists(st.integers(1, 50), min_size=1, max_size=6), count=st.integers(0, 200))
def test_each_class_has_its_share_of_any_first_part(counts: list[int], count: int) -> None:
    """Within one image, for two classes; of more, the last in turn waits for the others."""
    classes = classes_in_shares(of_classes(counts), count)
    assert len(classes) == count
    for end in range(count + 1):
        found = Counter(classes[:end])
        for label, size in enumerate(counts):
            assert abs(found[str(label)] - end * size / sum(counts)) < max(1, len(counts) - 1)


@pytest.mark.parametrize("classes", [1, 3, 10])
def test_classes_of_one_size_come_in_turn(classes: int) -> None:
    """As `nevoa sample` has them: images of a balanced data set are the same whether shares are looked at or not."""
    assert classes_in_shares(of_classes([7] * classes), 25) == [str(number % classes) for number in range(25)]


def test_a_rare_class_is_rare() -> None:
    assert Counter(classes_in_shares(of_classes([90, 10]), 100)) == {"0": 90, "1": 10}


@pytest.mark.slow
def test_a_run_is_measured_by_what_it_was_trained_on_and_nothing_else(tiny: Config, tmp_path: Path) -> None:
    run, reference = Run(tmp_path / "r"), Mock(spec=Reference)
    for _ in nevoa.fit(tiny, run.folder):
        pass
    *_, subject = from_run(run, reference, 3, seed=0)
    assert isinstance(subject, Samples)
    assert len(subject.images) == 3
    config = run.config_file.read_text()
    assert subject.training is not None
    run.config_file.write_text(config.replace(subject.training.fingerprint, "0" * 64))
    with pytest.raises(NevoaError, match="have changed since"):
        next(from_run(run, reference, 3, seed=0))
