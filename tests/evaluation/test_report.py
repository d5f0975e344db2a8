"""A report as JSON, and in the run folder."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nevoa.evaluation.report as report_module
from nevoa.evaluation import Protocol, Reference, Report, Samples, as_dict, measure, save
from nevoa.evaluation.metrics import MANIFOLD, meaning
from nevoa.evaluation.report import in_order, rounded
from nevoa.runs import Run, Summary
from tests.evaluation.test_measure import report_of
from tests.evaluation.toy import bands

pytestmark = pytest.mark.slow

SAMPLER = {"sampler": "ddim", "steps": 7, "spacing": "trailing", "eta": 0.0, "guidance": 1.0}
SAMPLER |= {"variance": "small", "clip": True}
BOTH: tuple[str, ...] = ("frechet", "memorisation")


def sampled(
    reference: Reference,
    metrics: tuple[str, ...] = BOTH,
    weights: str = "w",
    count: int = 150,
    **sampler: object,
) -> Report:
    samples = Samples("r", bands(count, seed=2).images, sampler=SAMPLER | sampler, weights=weights)
    *_, report = measure(samples, Protocol(reference, count, sampler=samples.sampler), metrics)
    assert isinstance(report, Report)
    return report


@pytest.mark.parametrize(("trained", "real"), [(2_048, 2_048), (2_048, 400), (600, 2_048)])
def test_few_real_images_put_what_is_known_of_them_first(reference: Reference, trained: int, real: int) -> None:
    """And distances last. The values are the same, in any order."""
    names = "fd_bands", "kd_bands", "precision", "recall", "near_copies", "bits_per_dim", "overfitting"
    enough = dataclasses.replace(reference, train=bands(trained), packaged=np.zeros((real, 2)))
    report = dataclasses.replace(sampled(reference, ("classes",)), scores=dict.fromkeys(names, 0.5))
    report = dataclasses.replace(report, protocol=Protocol(enough, 150))
    found = in_order(report)
    few = "near_copies", "overfitting", "recall", "precision", "bits_per_dim", "fd_bands", "kd_bands"
    assert tuple(found) == (names if trained == real else few)
    assert found["fd_bands"] == f"lower is better{'; uncertain with 400 real images' * (real == 400)}"
    assert (found["precision"], found["overfitting"]) == (MANIFOLD.meanings["precision"], meaning("overfitting"))


def test_a_report_says_how_it_was_made(reference: Reference) -> None:
    values = json.loads(json.dumps(as_dict(report_of(bands(150, seed=2).images, reference))))
    protocol = values["protocol"]
    assert protocol["name"] == f"nevoa-bands-{reference.digest:.8}/2"
    assert protocol["departures"] == ["150 images instead of 10,000"]
    assert protocol["feature_network"]["sha256"] == "toy"
    assert protocol["reference_fingerprint"] == reference.test.fingerprint
    assert {"seed", "sampler", "resize", "rounding", "floor"} <= protocol.keys()
    assert values["floor"].keys() == values["floor_spread"].keys() <= values["scores"].keys()
    assert sum(values["class_shares"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.912345, 0.00234, "0.9123±0.0023"),
        (75.4, 2.1, "75.4±2.1"),
        (0.912345, None, "0.9123"),
        (0.9, 1.2e-16, "0.9"),
        (3.0, 0.0, "3"),
        (0.9, math.nan, "0.9"),
    ],
)
def test_a_value_and_its_error_have_two_digits_of_the_error(value: float, error: float | None, text: str) -> None:
    """An error that is only rounding, of equal values, is none."""
    assert rounded(value, error) == text


def test_a_saved_report_is_found_in_the_run_and_its_card(reference: Reference, tmp_path: Path) -> None:
    run, report = Run(tmp_path), sampled(reference)
    path = save(report, run)
    assert json.loads(path.read_text())["scores"] == report.scores
    assert Summary.of(run).quality == ("fd_bands", report.scores["fd_bands"], 150)
    card = run.card_file.read_text()
    floor = rounded(report.floor["fd_bands"], report.floor_spread["fd_bands"])
    assert f"| fd_bands | {report.scores['fd_bands']:.4g} | {floor} |" in card
    assert "150 images by ddim in 7 steps, protocol nevoa-bands-" in card
    picture = run.folder / card.partition("noise level](")[2].partition(")")[0]
    assert Image.open(picture).width > 1000


def test_a_card_that_cannot_be_read_loses_no_report(reference: Reference, tmp_path: Path) -> None:
    run, report = Run(tmp_path), sampled(reference)
    run.card_file.write_bytes("Avó".encode("latin-1"))
    with pytest.warns(UserWarning, match="The model card does not show the scores"):
        path = save(report, run)
    assert json.loads(path.read_text())["scores"] == report.scores


def test_a_report_of_an_older_protocol_stays(reference: Reference, tmp_path: Path) -> None:
    """Its floor was measured in another way."""
    run = Run(tmp_path)
    old = run.save_evaluation("ddim-7-trailing-eta0-150-seed0-bands", {"protocol": {"name": "nevoa-bands/1"}})
    assert save(sampled(reference), run) != old
    assert [report["protocol"]["name"][-2:] for report in run.evaluations()] == ["/2", "/1"]


def test_only_reports_made_in_the_same_way_replace_each_other(reference: Reference, tmp_path: Path) -> None:
    run, info = Run(tmp_path), reference.feature_network.info
    network = dataclasses.replace(reference.feature_network, info=dataclasses.replace(info, sha256="another"))
    reports = [
        sampled(reference),
        sampled(reference, guidance=3.0),
        sampled(reference, guidance={"class": 3.0, "text": 1.5}),
        sampled(reference, guidance={"class": 1.5, "text": 3.0}),
        sampled(reference, autoguidance=1.5),
        sampled(reference, steps=8),
        sampled(reference, clip=False),
        sampled(reference, variance="large"),
        sampled(dataclasses.replace(reference, feature_network=network)),
    ]
    assert len({save(report, run) for report in reports}) == len(reports)
    assert save(sampled(reference), run) == save(reports[0], run)
    assert len(list(run.evaluations())) == len(reports)


@pytest.mark.parametrize("count", [5, 16, 40])
def test_the_last_rows_of_the_picture_are_the_nearest_pairs(
    count: int, reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[np.ndarray] = []

    def sheet(images: np.ndarray, nearest: np.ndarray, **_: object) -> Image.Image:
        shown.extend([images, nearest])
        return Image.new("L", (1, 1))

    monkeypatch.setattr(report_module, "quality_sheet", sheet)
    report = sampled(reference, ("memorisation",), count=count)
    save(report, Run(tmp_path))
    assert report.memorisation is not None
    order = np.argsort(report.memorisation.distance)[:16]
    first = [] if count <= 16 else report.samples.images[:16]
    assert (shown[0] == [*first, *report.samples.images[order]]).all()
    assert (shown[1][-len(order) :] == report.memorisation.nearest[order]).all()


def test_scores_of_the_same_images_are_kept_beside_each_other(reference: Reference, tmp_path: Path) -> None:
    run, first, second = Run(tmp_path), sampled(reference, ("frechet",)), sampled(reference, ("memorisation",))
    path = save(first, run)
    assert save(second, run) == path
    written = json.loads(path.read_text())
    assert written["scores"] == first.scores | second.scores
    assert written["floor"] == first.floor | second.floor
    assert len(written["warnings"]) == len(set(written["warnings"]))
    picture, card = path.with_suffix(".png").read_bytes(), run.card_file.read_text()
    assert "| fd_bands |" in card and "| near_copies |" in card
    save(first, run)
    assert json.loads(path.read_text())["scores"] == written["scores"]
    assert path.with_suffix(".png").read_bytes() == picture, "the copies are not in the picture any more"
    other = sampled(reference, ("memorisation",), weights="trained on")
    assert save(other, run) == path
    assert json.loads(path.read_text())["scores"] == other.scores


@pytest.mark.parametrize("scores", ["[]", '{"fd_bands": "low"}'])
def test_a_damaged_report_is_replaced(reference: Reference, tmp_path: Path, scores: str) -> None:
    run, report = Run(tmp_path), sampled(reference, ("memorisation",))
    path = save(report, run)
    values = json.loads(path.read_text()) | {"scores": json.loads(scores)}
    path.write_text(json.dumps(values))
    save(report, run)
    assert json.loads(path.read_text())["scores"] == report.scores


def test_the_card_shows_the_report_that_says_most(reference: Reference, tmp_path: Path) -> None:
    """Not whatever came last."""
    run = Run(tmp_path)
    save(sampled(reference, ("frechet",), count=200), run)
    save(sampled(reference, ("frechet",)), run)
    save(sampled(reference, ("memorisation",), count=300), run)
    assert "200 images by ddim in 7 steps, protocol nevoa-bands-" in run.card_file.read_text()
