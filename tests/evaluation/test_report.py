"""A report as JSON, and in the run folder."""

import dataclasses
import json
from pathlib import Path

import pytest
from PIL import Image

from nevoa.evaluation import Protocol, Reference, Report, Samples, as_dict, measure, save
from nevoa.evaluation.report import rounded
from nevoa.runs import Run, Summary
from tests.evaluation.test_measure import report_of
from tests.evaluation.toy import bands

SAMPLER = {"sampler": "ddim", "steps": 7, "spacing": "trailing", "eta": 0.0, "guidance": 1.0}


def sampled(reference: Reference, **sampler: object) -> Report:
    samples = Samples("r", bands(150, seed=2).images, sampler=SAMPLER | sampler)
    *_, report = measure(samples, Protocol(reference, 150, sampler=samples.sampler), ("frechet", "memorisation"))
    assert isinstance(report, Report)
    return report


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


def test_a_saved_report_is_found_in_the_run_and_its_card(reference: Reference, tmp_path: Path) -> None:
    run, report = Run(tmp_path), sampled(reference)
    path = save(report, run)
    assert json.loads(path.read_text())["scores"] == report.scores
    assert Summary.of(run).quality == ("fd_bands", report.scores["fd_bands"])
    card = run.card_file.read_text()
    floor = rounded(report.floor["fd_bands"], report.floor_spread["fd_bands"])
    assert f"| fd_bands | {report.scores['fd_bands']:.4g} | {floor} |" in card
    assert "150 images by ddim in 7 steps, protocol nevoa-bands-" in card
    picture = run.folder / card.partition("noise level](")[2].partition(")")[0]
    assert Image.open(picture).width > 1000


def test_a_report_of_an_older_protocol_stays(reference: Reference, tmp_path: Path) -> None:
    """Its floor was measured in another way."""
    run = Run(tmp_path)
    old = run.save_evaluation("ddim-7-trailing-eta0-150-seed0-bands", {"protocol": {"name": "nevoa-bands/1"}})
    assert save(sampled(reference), run) != old
    assert [report["protocol"]["name"][-2:] for report in run.evaluations()] == ["/2", "/1"]


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(0.057123, 0.00347, "0.0571±0.0035"), (14.2, 1.0, "14.2±1.0"), (0.0571234, None, "0.05712"), (3.0, 0.0, "3")],
)
def test_a_value_has_the_digits_that_its_error_leaves(value: float, error: float | None, text: str) -> None:
    assert rounded(value, error) == text


def test_only_reports_made_in_the_same_way_replace_each_other(reference: Reference, tmp_path: Path) -> None:
    run, info = Run(tmp_path), reference.feature_network.info
    network = dataclasses.replace(reference.feature_network, info=dataclasses.replace(info, sha256="another"))
    reports = [
        sampled(reference),
        sampled(reference, guidance=3.0),
        sampled(reference, steps=8),
        sampled(dataclasses.replace(reference, found_network=network)),
    ]
    assert len({save(report, run) for report in reports}) == len(reports)
    assert save(sampled(reference), run) == save(reports[0], run)
    assert len(list(run.evaluations())) == len(reports)
