"""A whole measurement: scores, warnings and refusals."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from nevoa.errors import NevoaError
from nevoa.evaluation import Protocol, Reference, Report, Samples, as_dict, measure
from nevoa.evaluation.shares import draws_in_shares
from nevoa.features import FeatureNetwork, train_feature_network
from tests.evaluation.toy import bands

METRICS: tuple[str, ...] = ("frechet", "kernel", "manifold", "classes", "memorisation")


def report_of(images: np.ndarray, reference: Reference, metrics: tuple[str, ...] = METRICS) -> Report:
    *_, report = measure(Samples("these", images), Protocol(reference, len(images)), metrics)
    assert isinstance(report, Report)
    return report


@pytest.mark.slow
def test_real_images_score_the_floor_and_noise_does_not(reference: Reference) -> None:
    real = report_of(bands(300, seed=2).images, reference)
    noise = report_of(np.random.default_rng(0).integers(0, 256, (300, 12, 12, 1), dtype=np.uint8), reference)
    assert real.scores["fd_bands"] < 3 * real.floor["fd_bands"] < noise.scores["fd_bands"]
    assert real.scores["precision"] > 0.8 > noise.scores["precision"]
    assert real.scores["kd_bands_low"] < real.floor["kd_bands"] < noise.scores["kd_bands"]
    assert real.scores["near_copies"] < 0.05


@pytest.mark.slow
def test_the_floor_is_measured_as_the_images_are(reference: Reference) -> None:
    metrics: tuple[str, ...] = ("kernel", "classes")
    report = report_of(bands(150, seed=2).images, reference, metrics)
    draws = [
        report_of(reference.train.images[chosen], reference, metrics).scores
        for chosen in draws_in_shares(reference.train, 150, seed=0)
    ]
    for name, value in report.floor.items():
        scores = [draw[name] for draw in draws]
        assert np.mean(scores) == pytest.approx(value, abs=1e-6), name
        assert np.std(scores, ddof=1) == pytest.approx(report.floor_spread[name], abs=1e-6), name
        assert report.floor_spread[name] > 0


@pytest.mark.slow
def test_a_floor_of_all_training_images_has_no_deviation(reference: Reference) -> None:
    report = report_of(bands(len(reference.train) + 10).images, reference, ("frechet",))
    assert report.floor.keys() == {"fd_bands"}
    assert not report.floor_spread


@pytest.mark.slow
def test_real_images_in_the_shares_of_new_ones_do_not_beat_the_floor(reference: Reference) -> None:
    """Classes drawn at random made the floor higher than what balanced images score."""
    new = bands(800, seed=3)
    report = report_of(new.images[next(draws_in_shares(new, 150, seed=0))], reference, ("frechet",))
    assert report.scores["fd_bands"] > report.floor["fd_bands"] - 3 * report.floor_spread["fd_bands"]


@pytest.mark.slow
def test_copies_of_training_images_are_reported(reference: Reference) -> None:
    report = report_of(reference.train.images[:200], reference)
    assert report.scores["near_copies"] == 1
    assert report.scores["nearest_distance_ratio"] == 0


def test_mirrored_copies_are_reported_unless_the_model_never_saw_mirror_images(reference: Reference) -> None:
    images = reference.train.images[:200, :, ::-1]
    assert report_of(images, reference, ("memorisation",)).scores["near_copies"] == 1
    held_out = Samples("these", images, mirrored=False)
    *_, report = measure(held_out, Protocol(reference, len(images)), ("memorisation",))
    assert isinstance(report, Report)
    assert report.scores["near_copies"] < 0.05


@pytest.mark.slow
def test_only_what_is_asked_for_is_measured(reference: Reference) -> None:
    scores = report_of(bands(150).images, reference, ("frechet",)).scores
    assert scores.keys() == {"fd_bands", "fd_bands_low", "fd_bands_high"}


def test_classes_are_counted_and_confidence_averaged(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = np.array([[0.9, 0.1]] * 100 + [[0.2, 0.8]] * 50)
    monkeypatch.setattr(FeatureNetwork, "probabilities", lambda self, features: probabilities[: len(features)])
    report = report_of(bands(150).images, reference, ("classes",))
    assert report.class_shares == pytest.approx({"upper": 2 / 3, "lower": 1 / 3})
    assert report.scores["confidence"] == pytest.approx((100 * 0.9 + 50 * 0.8) / 150)


@pytest.mark.slow
def test_by_default_images_without_a_model_are_measured_by_all_but_bits_and_inception(reference: Reference) -> None:
    *_, report = measure(Samples("these", bands(150).images), Protocol(reference, 150))
    assert isinstance(report, Report)
    assert report.scores.keys() == report_of(bands(150).images, reference).scores.keys()
    with pytest.raises(NevoaError, match="Bits per dimension need a model"):
        report_of(bands(150).images, reference, ("bits",))


@pytest.mark.slow
def test_few_images_are_flagged(reference: Reference) -> None:
    assert any(
        "the number of images, 150, is small" in warning for warning in report_of(bands(150).images, reference).warnings
    )


@pytest.mark.slow
@pytest.mark.parametrize(("accuracy", "flagged"), [(0.45, True), (0.6, False), (0.93, False)])
def test_an_inaccurate_feature_network_is_flagged(reference: Reference, accuracy: float, flagged: bool) -> None:
    network = reference.feature_network
    info = dataclasses.replace(network.info, accuracy=accuracy)
    other = dataclasses.replace(reference, feature_network=dataclasses.replace(network, info=info))
    warnings = report_of(bands(150).images, other, ("frechet",)).warnings
    said = [
        warning
        for warning in warnings
        if f"only tells the class of {accuracy:.1%} of held-out images correctly" in warning
    ]
    assert len(said) == flagged


def test_what_can_be_measured_is_measured(reference: Reference) -> None:
    lacking = dataclasses.replace(reference, found_test=NevoaError("No test split."))
    *_, report = measure(Samples("these", bands(150, seed=2).images), Protocol(lacking, 150))
    assert isinstance(report, Report)
    scores = {"confidence", "near_copies", "nearest_distance_ratio"}
    assert report.scores.keys() == scores
    assert report.scores["near_copies"] < 0.05
    (why,) = (warning for warning in report.warnings if "not measured: frechet, kernel, manifold" in warning)
    assert "No test split" in why
    assert json.loads(json.dumps(as_dict(report)))["scores"].keys() == scores
    with pytest.raises(NevoaError, match=r"Cannot measure frechet\. .* --metrics classes,memorisation"):
        report_of(bands(150).images, lacking, ("memorisation", "frechet"))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (bands(1).images, "number of images is 1, but"),
        (bands(127).images, "Cannot measure frechet. .*127, but distances between 128 features need at least 128"),
        (np.full((200, 12, 12, 1), 7, np.uint8), "cannot tell the 200 images apart"),
        (np.zeros((200, 12, 11, 1), np.uint8), "12x11 with 1 channel, those of bands are 12x12"),
        (np.zeros((200, 12, 12, 3), np.uint8), "with 3 channels"),
    ],
    ids=["one", "fewer than features", "constant", "size", "channels"],
)
def test_what_cannot_be_measured_is_refused(reference: Reference, images: np.ndarray, message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        report_of(images, reference)


def test_too_few_images_are_refused_before_features_are_computed(
    reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FeatureNetwork, "features", lambda *_: pytest.fail("computed features"))
    with pytest.raises(NevoaError, match="number of images is 127"):
        report_of(bands(127).images, reference)
    with pytest.raises(NevoaError, match="number of test images is 100"):
        report_of(bands(200).images, dataclasses.replace(reference, found_test=bands(100)))


def test_too_few_training_images_for_the_floor_are_refused(reference: Reference) -> None:
    few = dataclasses.replace(reference, train=bands(5))
    with pytest.raises(NevoaError, match="The floor takes more than 5 training images"):
        report_of(bands(150).images, few, ("manifold",))
    assert "fd_bands" in report_of(bands(150).images, dataclasses.replace(reference, train=bands(6))).scores


@pytest.mark.parametrize(("count", "said"), [(1, "images, 1, is small"), (64, "images, 64, is small")])
def test_of_few_images_all_but_distances_is_measured(reference: Reference, count: int, said: str) -> None:
    """With a word on both: what is left out, and how little the rest says."""
    *_, report = measure(Samples("these", bands(count).images), Protocol(reference, count))
    assert isinstance(report, Report)
    assert report.scores.keys() == {"confidence", "near_copies", "nearest_distance_ratio"}
    few, few_tests, without = report.warnings
    assert said in few
    assert f"not measured: frechet, kernel, manifold. The number of images is {count}" in without
    assert report_of(bands(count).images, reference, ("memorisation",)).warnings == (few, few_tests)


def test_features_that_are_not_numbers_are_refused(reference: Reference) -> None:
    *_, last = train_feature_network(bands(200), None, epochs=1)
    with torch.no_grad():
        next(last.feature_network.network.parameters()).fill_(float("nan"))
    broken = dataclasses.replace(reference, feature_network=last.feature_network)
    with pytest.raises(NevoaError, match="features of 150 of 150 images are not finite; the first is image 0"):
        report_of(bands(150).images, broken)
