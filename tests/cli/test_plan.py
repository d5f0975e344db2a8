"""The plan that is printed before a training."""

import pytest

from nevoa.cli.plan import guide_in_words
from nevoa.training import Job
from tests.small_runs import again


@pytest.mark.parametrize(
    ("images", "weigh", "measured"), [(600_000, True, True), (599_999, True, False), (600_000, False, False)]
)
def test_the_plan_says_when_the_guide_is_kept_and_whether_its_weight_is_measured(
    job: Job, images: int, weigh: bool, measured: bool
) -> None:
    row = guide_in_words(again(job, guide=0.2, images=images, weigh_guide=weigh).plan.training)
    assert row == "the average after 20% of the training" + "; its weight is measured at the end" * measured
