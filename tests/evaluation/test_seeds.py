"""Several seeds of one config: the intervals are those of scipy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats

from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.evaluation import Group, groups
from nevoa.evaluation.seeds import t_quantile
from tests.small_runs import model_plan, planned, replanned, updated

A, B = (0.31, 0.35, 0.29, 0.36), (0.41, 0.38, 0.47)


def group(distances: tuple[float, ...]) -> Group:
    return Group(tuple(map(str, range(len(distances)))), distances)


@pytest.mark.parametrize("freedom", [1, 1.7, 2, 5, 8, 30, 400, 1e6, float("inf")])
def test_quantiles_of_t_are_those_of_scipy(freedom: float) -> None:
    assert t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=4e-3)


def test_the_interval_of_a_mean_is_that_of_scipy() -> None:
    found, expected = group(A).interval, stats.ttest_1samp(A, 0).confidence_interval()
    assert found and found[1:] == pytest.approx((expected.low, expected.high), rel=1e-4)


def test_the_difference_of_two_configs_is_that_of_welch() -> None:
    found, expected = group(B).minus(group(A)), stats.ttest_ind(B, A, equal_var=False).confidence_interval()
    assert found and found.value == pytest.approx(np.mean(B) - np.mean(A))
    assert found.high - found.low == pytest.approx(expected.high - expected.low, rel=4e-3)


def test_one_run_is_compared_with_the_spread_of_the_other_group() -> None:
    """It lies within the interval in which one more run of the group is expected."""
    reach = stats.t.ppf(0.975, 3) * np.std(A, ddof=1) * np.sqrt(1 + 1 / 4)
    for sign, found in ((1, group((0.5,)).minus(group(A))), (-1, group(A).minus(group((0.5,))))):
        assert found and found.value == pytest.approx(sign * (0.5 - np.mean(A)))
        assert found[1:] == pytest.approx((found.value - reach, found.value + reach), rel=1e-4)


def test_of_one_run_each_nothing_is_known() -> None:
    assert group((0.5,)).interval is None
    assert group((0.5,)).minus(group((0.4,))) is None


def test_seeds_without_any_spread_have_no_interval() -> None:
    found = group((0.5, 0.5)).minus(group((0.4, 0.4)))
    assert found and found == pytest.approx((0.1, 0.1, 0.1))


GROUPED: Mapping[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "another seed": ({}, {"seed": 1}, True),
    "other previews": ({}, {"preview_every_images": 999, "checkpoint_every_images": 9, "seed": 1}, True),
    "another machine": ({"threads": 2, "compile": False}, {"threads": 8, "compile": True, "seed": 1}, True),
    "another precision": ({}, {"precision": "bfloat16", "seed": 1}, False),
    "another rate": ({}, {"learning_rate": 0.5}, False),
    "other steps": ({"images": 800}, {"images": 960, "seed": 1}, False),
    "other steps in the same minutes": ({"minutes": 5, "images": 800}, {"minutes": 5, "images": 960, "seed": 1}, True),
    "other minutes": ({"minutes": 5, "images": 800}, {"minutes": 6, "images": 800, "seed": 1}, False),
}


@pytest.mark.parametrize("changes", GROUPED)
def test_runs_whose_plans_differ_in_the_seed_are_one_group(changes: str, tiny: Config, few_images: ImageSet) -> None:
    first, second, together = GROUPED[changes]
    plan = replanned(planned(tiny, few_images), **first)
    found = groups({"a": plan, "b": replanned(plan, **second)}, {"a": 0.3, "b": 0.4})
    assert [one.names for one in found] == ([("a", "b")] if together else [("a",), ("b",)])
    assert found[-1].distances[-1] == 0.4


def test_the_same_images_may_lie_elsewhere(tiny: Config, few_images: ImageSet) -> None:
    known = planned(tiny, few_images)
    moved = replanned(updated(known, "data", source="/elsewhere/photos"), seed=1)
    assert len(groups({"a": known, "b": moved}, {"a": 0.3, "b": 0.4})) == 1
    others = updated(moved, "data", fingerprint="0" * 64)
    assert len(groups({"a": known, "b": others}, {"a": 0.3, "b": 0.4})) == 2


def test_a_model_whose_training_is_unknown_is_no_seed_of_another(tiny: Config) -> None:
    assert len(groups({"a": model_plan(tiny), "b": model_plan(tiny)}, {"a": 0.3, "b": 0.4})) == 2


def test_a_run_and_its_copy_are_one_seed(tiny: Config, few_images: ImageSet) -> None:
    """Else their spread would be 0, and any difference would mean something."""
    plan = planned(tiny, few_images)
    found = groups({"a": plan, "copy": plan}, {"a": 0.3, "copy": 0.3})
    assert [one.names for one in found] == [("a",)]
