"""The table of metrics: every row computes something, and every score has a meaning."""

from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np
import pytest
import torch

from nevoa import register
from nevoa.config import Config, ModelPlan
from nevoa.errors import NevoaError
from nevoa.evaluation import METRICS, Metric, Protocol, Reference, Report, Samples, choose_metrics, measure
from nevoa.evaluation.metrics import meaning
from nevoa.model import Model
from nevoa.networks import fresh_network
from tests.evaluation.test_measure import report_of
from tests.evaluation.toy import bands
from tests.small_runs import model_plan

SHAPE = (1, 12, 12)


def measured(model: Model, reference: Reference, *metrics: Any) -> Report:
    *_, report = measure(Samples("these", bands(20).images, model=model), Protocol(reference, 20), metrics)
    assert isinstance(report, Report)
    return report


def model_of(config: Config | ModelPlan) -> Model:
    plan = model_plan(config) if isinstance(config, Config) else config
    return Model(plan, fresh_network(plan.network, SHAPE[0], len(plan.classes), seed=0), SHAPE)


def test_every_row_computes_something() -> None:
    for name, row in METRICS.items():
        assert sum(way is not None for way in (row.of_features, row.of_images, row.completes)) == 1, name


@pytest.mark.slow
def test_every_score_has_a_meaning(reference: Reference) -> None:
    scores = report_of(bands(150).images, reference).scores

    assert all(map(meaning, scores))
    assert meaning("fid") and meaning("bits_per_dim")
    assert not meaning("unknown")


@pytest.mark.slow
def test_a_label_means_to_the_model_what_it_means_to_the_images(
    reference: Reference, tiny: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both may list the classes in another order. A model that lacks one of them gets no labels."""
    asked, original = list[Any](), Model.denoiser

    def denoiser(self: Model, clip: bool = False, condition: Any = None, guidance: float = 1.0) -> Any:
        asked.append(condition)
        return original(self, clip, condition, guidance)

    monkeypatch.setattr(Model, "denoiser", denoiser)
    found = []
    for classes in (("upper", "lower"), ("lower", "upper"), ("lower", "other")):
        measured(model_of(model_plan(tiny, classes=classes)), reference, "overfitting")
        found.append(asked[1:])  # the first is asked for the schedule
        asked.clear()
    same, turned, none = found
    assert all(torch.equal(a, 1 - b) for a, b in zip(same, turned, strict=True))
    assert set(none) == {None}


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["bits", "overfitting"])
def test_no_more_images_are_evaluated_at_once_than_fit_in_memory(
    metric: str, reference: Reference, tiny: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sizes = model_of(tiny), list[int]()
    monkeypatch.setattr(Model, "images_at_once", 7)
    model.network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    measured(model, reference, metric)
    assert max(sizes) == 7


def test_one_image_has_scores_without_an_error(reference: Reference, tiny: Config) -> None:
    """A NaN could not be printed, and its JSON not be read."""
    one = replace(reference, found_test=bands(1, seed=1))
    report = measured(model_of(tiny), one, "bits", "overfitting", "memorisation")
    assert {"bits_per_dim", "overfitting"} <= report.scores.keys()
    assert not {"bits_per_dim_se", "overfitting_se"} & report.scores.keys()
    assert all(map(isfinite, report.scores.values()))


def test_copies_are_told_where_all_held_out_images_are_twins(reference: Reference) -> None:
    twins = replace(reference, found_test=replace(reference.train))
    images = reference.train.images[:10].copy()
    images[5:] ^= 1
    *_, report = measure(Samples("these", images), Protocol(twins, 10), ["memorisation"])
    assert isinstance(report, Report)
    assert report.scores == {"near_copies": 0.5}
    assert any("all held-out images are training images" in warning for warning in report.warnings)


def test_a_reference_of_another_source_does_not_make_new_images_copies(reference: Reference, tiny: Config) -> None:
    """They are as far from the training images as others of the same source, whatever the source compared with."""
    foreign, held_out = replace(reference, foreign=True), bands(40, seed=2)
    noise = np.random.default_rng(0).integers(0, 256, reference.test.images.shape, dtype=np.uint8)
    foreign = replace(foreign, found_test=replace(reference.test, images=noise))
    samples = Samples("these", held_out.images, model_of(tiny), training=reference.train, mirrored=False)
    *_, report = measure(samples, Protocol(foreign, 40), ["memorisation"])
    assert isinstance(report, Report)
    assert report.scores["near_copies"] < 0.2
    assert any("of another source" in warning for warning in report.warnings)
    with pytest.raises(NevoaError, match=r"trained on other images than .*leave out --against"):
        choose_metrics(foreign, ["overfitting"], 40, model_plan(tiny))


def test_training_images_that_cannot_be_opened_leave_out_what_needs_them(reference: Reference, tiny: Config) -> None:
    samples = Samples("these", bands(20).images, model_of(tiny))
    *_, report = measure(samples, Protocol(replace(reference, foreign=True), 20), ["memorisation"])
    assert isinstance(report, Report)
    assert not report.scores
    assert any("cannot be opened" in warning for warning in report.warnings)


def test_a_network_is_not_asked_for_what_it_never_learned(reference: Reference, tiny: Config) -> None:
    labelled = model_plan(tiny, classes=("lower", "other"), null_label=False)
    report = measured(model_of(labelled), reference, "overfitting")
    assert not report.scores
    assert any("needs a class for each image" in warning for warning in report.warnings)
    distilled = model_plan(tiny, distilled_from="runs/teacher")
    refused: list[tuple[ModelPlan, str]] = [(labelled, "bits"), (distilled, "bits"), (distilled, "overfitting")]
    for plan, name in refused:
        with pytest.raises(NevoaError, match=r"needs a class for each image|measure its teacher, runs/teacher"):
            choose_metrics(reference, [name], 20, plan)
    assert "bits" in choose_metrics(reference, None, 20, model_plan(tiny))
    assert "bits" not in choose_metrics(reference, None, 20, distilled)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("meanings", "given", "refused"),
    [
        ({"mean": "0 = black"}, 0.5, r"must return a dict, such as {'mine': 0.5}, not 0.5"),
        ({"mean": "0 = black"}, {"deviation": 0.5}, "gives the score deviation, which is not in its meanings"),
        ({"recall": "0 = black"}, {"recall": 0.5}, "The metrics manifold and mine both give the score recall: rename"),
    ],
)
def test_scores_of_a_plugin_that_cannot_be_told_apart_are_refused(
    reference: Reference, tiny: Config, meanings: dict[str, str], given: Any, refused: str
) -> None:
    register("metric", "mine", Metric(meanings, of_images=lambda images: given))
    with pytest.raises(NevoaError, match=refused):
        measured(model_of(tiny), reference, "mine")
