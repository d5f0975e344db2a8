"""A measurement repeated from its report."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import nevoa
from nevoa.config import Config, DataConfig
from nevoa.config.names import PrecisionName
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.evaluation import METRICS, Protocol, Reference, Report, Samples, as_dict, from_model, measure
from nevoa.evaluation.intervals import error_of_share
from nevoa.evaluation.receipt import RepeatableReport, facts_of, facts_of_images
from nevoa.evaluation.verify import (
    Fact,
    checks,
    facts,
    metrics_of,
    options_of,
    spread,
)
from nevoa.sampling import SAMPLERS, settings_of
from tests.data.sources.test_builtin import needs_debian
from tests.evaluation.test_receipt import model_of, samples_of
from tests.evaluation.toy import bands
from tests.small_runs import model_plan, planned, replanned, updated

METRIC_NAMES: tuple[str, ...] = ("frechet", "manifold", "classes", "memorisation")


def report_of(samples: Samples, reference: Reference) -> Report:
    *_, report = measure(samples, Protocol(reference, len(samples.images), 3, samples.sampler), METRIC_NAMES)
    assert isinstance(report, Report)
    return report


def saved_of(report: Report, **others: Any) -> RepeatableReport:
    return RepeatableReport.model_validate(json.loads(json.dumps(as_dict(report))) | others)


def here(report: Report, reference: Reference) -> dict[str, str]:
    """All that is known here of a report on images from a file."""
    return facts_of(reference, None, None) | facts_of_images(report.samples)


@pytest.fixture(scope="module")
def real(reference: Reference) -> Report:
    """A report on images from a file."""
    return report_of(Samples("bands", bands(150, seed=2).images), reference)


@pytest.mark.slow
def test_the_same_images_agree_and_nothing_differs(real: Report, reference: Reference) -> None:
    saved, again = saved_of(real), report_of(real.samples, reference)
    found = list(facts(saved, here(again, reference), None))
    assert all(fact.agrees for fact in found), [fact for fact in found if not fact.agrees]
    compared = list(checks(saved, again, found))
    assert [check.name for check in compared] == list(real.scores)
    assert all(check.agrees for check in compared)


@pytest.mark.slow
def test_other_images_differ_although_nothing_else_does(real: Report, reference: Reference) -> None:
    saved = saved_of(real)
    images = np.array(real.samples.images)
    images[0] = 0
    again = report_of(Samples("bands", images), reference)
    found = list(facts(saved, facts_of(reference, None, None), None))
    differing = [check.name for check in checks(saved, again, found) if not check.agrees]
    assert "fd_bands" in differing
    found = facts(saved, here(again, reference), None)
    assert [fact.name for fact in found if not fact.agrees] == ["images"]


@pytest.mark.slow
def test_where_the_machine_differs_a_score_may_differ_by_its_own_spread(real: Report, reference: Reference) -> None:
    """Not by that of its floor: a Fréchet or kernel distance of real images hardly varies."""
    saved = saved_of(real)
    other = [Fact("cpu", "this one", "another")]
    tolerances = {check.name: check.tolerance for check in checks(saved, real, other)}
    length = real.scores["fd_bands_high"] - real.scores["fd_bands_low"]
    assert tolerances["fd_bands"] == pytest.approx(length / (2 * 1.96))
    assert tolerances["confidence"] == real.floor_spread["confidence"]
    shifted = replace(real, scores=real.scores | {"fd_bands": real.scores["fd_bands"] + 0.9 * tolerances["fd_bands"]})
    assert all(check.agrees for check in checks(saved, shifted, other))
    too_far = replace(real, scores=real.scores | {"fd_bands": real.scores["fd_bands"] + 1.1 * tolerances["fd_bands"]})
    assert [check.name for check in checks(saved, too_far, other) if not check.agrees] == ["fd_bands"]


@needs_debian
@pytest.mark.slow
def test_images_of_the_same_seeds_in_float32_and_bf16_agree() -> None:
    reference = Reference.of(DataConfig(source="fashion_mnist"))

    def measured(precision: PrecisionName) -> Report:
        *_, samples = from_model(replace(nevoa.load(), precision=precision), reference, 150, 0)
        assert isinstance(samples, Samples)
        protocol = Protocol(reference, 150, 0, samples.sampler)
        *_, report = measure(samples, protocol, ("frechet", "kernel", "manifold", "classes"))
        assert isinstance(report, Report)
        return report

    saved, again = saved_of(measured("float32")), measured("bfloat16")
    found = list(facts(saved, here(again, reference), None))
    assert {fact.name for fact in found if not fact.agrees} == {"precision", "images"}
    differing = [check for check in checks(saved, again, found) if not check.agrees]
    assert not differing


def test_an_interval_of_another_machine_is_no_score(real: Report) -> None:
    others = real.scores | {"fd_bands_low": 0.0}
    other = [Fact("cpu", "this one", "another")]
    assert all(check.agrees for check in checks(saved_of(real, scores=others), real, other))
    (edited,) = (check for check in checks(saved_of(real, scores=others), real, []) if not check.agrees)
    assert edited.name == "fd_bands_low"


def test_a_spread_is_the_standard_error_or_that_of_a_share(real: Report) -> None:
    scores = {"bits_per_dim": 3.5, "bits_per_dim_se": 0.04, "kid": 0.01, "kid_std": 0.002, "near_copies": 0.0}
    scores |= {"nearest_distance_ratio": 1.2, "recall": 0.5, "precision": 1.0, "density": 1.1}
    again = replace(real, scores=scores, floor_spread={"density": 0.02, "recall": 0.1})
    expected = {"bits_per_dim": 0.04, "kid": 0.002, "nearest_distance_ratio": 0.012, "density": 0.02}
    expected |= {
        "near_copies": np.std([1] + [0] * 149) / np.sqrt(150),
        "recall": 0.5 / np.sqrt(again.protocol.reference.test_count),
    }
    expected |= {"precision": expected["near_copies"]}
    assert again.protocol.reference.test_count != len(again.samples.images)
    for name, value in expected.items():
        assert spread(again, name) == pytest.approx(value), name


@pytest.mark.slow
def test_facts_name_what_differs(reference: Reference, tiny: Config, few_images: ImageSet) -> None:
    plan = planned(tiny, few_images)
    samples = samples_of(model_of(plan), reference)
    saved = saved_of(report_of(samples, reference), weights="a" * 64)
    saved.receipt.facts.update({"weights": "a" * 16, "torch": "1.0"})
    known = facts_of(reference, "a" * 64, plan)
    assert not [fact for fact in facts(saved, known, plan) if not fact.agrees and fact.name != "torch"]
    other_plan = replanned(plan, seed=5)
    network = reference.feature_network
    elsewhere = replace(
        reference, feature_network=replace(network, info=replace(network.info, sha256="another")), source="others"
    )
    known = facts_of(elsewhere, "b" * 64, other_plan)
    found = {fact.name: fact for fact in facts(saved, known, other_plan) if not fact.agrees}
    assert found.keys() == {"weights", "feature network", "reference", "config", "torch"}
    assert {name for name, fact in found.items() if fact.decisive} == {"weights", "feature network", "reference"}


@pytest.mark.slow
def test_a_moved_data_set_is_no_change(reference: Reference, tiny: Config, few_images: ImageSet) -> None:
    plan = planned(tiny, few_images)
    saved = saved_of(report_of(samples_of(model_of(plan), reference), reference))
    moved = updated(replanned(plan, threads=2), "data", source="/elsewhere")
    (fact,) = (fact for fact in facts(saved, facts_of(reference, None, moved), moved) if fact.name == "config")
    assert fact.agrees


@pytest.mark.slow
def test_an_edited_config_is_another(reference: Reference, tiny: Config, few_images: ImageSet) -> None:
    plan = planned(tiny, few_images)
    saved = saved_of(report_of(samples_of(model_of(plan), reference), reference))
    assert saved.receipt.config
    saved.receipt.config["training"]["seed"] = 9
    assert "config" in {fact.name for fact in facts(saved, facts_of(reference, None, plan), plan) if not fact.agrees}


@pytest.mark.parametrize("metric", list(METRICS))
def test_scores_tell_the_metrics_that_gave_them(metric: str) -> None:
    scores = [f"{name}fashion" if name.endswith("_") else name for name in METRICS[metric].meanings]
    assert metrics_of([*scores, f"{scores[0]}_se"]) == [metric]


def test_a_score_of_no_metric_here_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(NevoaError, match="Nothing here measures sharpness: install the plugin"):
        metrics_of(["precision", "sharpness"])


def test_a_share_is_repeated_within_its_standard_error(real: Report) -> None:
    """100 draws of 400 from a share of 0.9: their standard deviation, a few percent off, is the tolerance."""
    drawn = np.random.default_rng(0).binomial(400, 0.9, 100) / 400
    scores = {"right_attributes": 0.9, "right_attributes_se": error_of_share(0.9, 400)}
    assert spread(replace(real, scores=scores), "right_attributes") == pytest.approx(drawn.std(ddof=1), rel=0.25)
    assert error_of_share(0.0, 400) == pytest.approx(error_of_share(1.0, 400))
    assert error_of_share(0.0, 400) == pytest.approx(1 / 400, rel=0.01)
    assert error_of_share(0.0, 1) == error_of_share(1.0, 1) == 0.5


def test_scores_of_a_report_tell_its_metrics(real: Report) -> None:
    assert set(metrics_of(real.scores)) == set(METRIC_NAMES)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_settings_in_a_report_give_the_same_settings_again(sampler: str, tiny: Config) -> None:
    given = {"sampler": sampler, "steps": 3, "spacing": "leading", "clip": False}
    given |= {"ddpm": {"variance": "large"}, "ddim": {"eta": 0.5}}.get(sampler, {})
    settings = settings_of(model_plan(tiny), **given)  # pyright: ignore[reportArgumentType]
    written = json.loads(json.dumps(settings.model_dump()))
    assert settings_of(model_plan(tiny), **options_of(written)).model_dump() == settings.model_dump()  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
def test_what_this_version_lacks_is_refused(real: Report, reference: Reference) -> None:
    saved = saved_of(real, scores=real.scores | {"new": 1.0})
    with pytest.raises(
        NevoaError, match="Nothing here measures new: install the plugin or the version of nevoa that made"
    ):
        list(checks(saved, report_of(real.samples, reference), []))
    with pytest.raises(NevoaError, match="cannot sample with seed"):
        options_of({"sampler": "ddim", "seed": 1})


def test_a_sampler_that_was_an_object_is_refused() -> None:
    with pytest.raises(NevoaError, match="made by Mine, which is not a sampler of nevoa"):
        options_of({"sampler": "Mine", "steps": 3})
