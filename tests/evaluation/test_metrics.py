"""The table of metrics: every row computes something, and every score has a meaning."""

from nevoa.evaluation import METRICS, Reference
from nevoa.evaluation.metrics import meaning
from tests.evaluation.test_measure import report_of
from tests.evaluation.toy import bands


def test_every_row_computes_something() -> None:
    for name, row in METRICS.items():
        assert (row.of_features is None) != (row.of_images is None), name
        assert (row.of_images is None) == (row.stage == ""), name


def test_every_score_has_a_meaning(reference: Reference) -> None:
    scores = report_of(bands(150).images, reference).scores

    assert all(map(meaning, scores))
    assert meaning("fid") and meaning("bits_per_dim")
    assert not meaning("unknown")
