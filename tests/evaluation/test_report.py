"""A report as JSON, and in the run folder."""

import dataclasses
import json
from pathlib import Path

import pytest
from PIL import Image

from nevoa.evaluation import Protocol, Reference, Report, Samples, as_dict, measure, save
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
    assert protocol["name"] == f"nevoa-bands-{reference.digest:.8}/1"
    assert protocol["departures"] == ["150 images instead of 10,000"]
    assert protocol["feature_network"]["sha256"] == "toy"
    assert protocol["reference_fingerprint"] == reference.test.fingerprint
    assert {"seed", "sampler", "resize", "rounding", "floor"} <= protocol.keys()
    assert values["floor"].keys() <= values["scores"].keys()
    assert sum(values["class_shares"].values()) == pytest.approx(1)


def test_a_saved_report_is_found_in_the_run_and_its_card(reference: Reference, tmp_path: Path) -> None:
    run, report = Run(tmp_path), sampled(reference)
    path = save(report, run)
    assert json.loads(path.read_text())["scores"] == report.scores
    assert Summary.of(run).quality == ("fd_bands", report.scores["fd_bands"])
    card = run.card_file.read_text()
    assert f"| fd_bands | {report.scores['fd_bands']:.4g} | {report.floor['fd_bands']:.4g} |" in card
    assert "150 images by ddim in 7 steps, protocol nevoa-bands-" in card
    picture = run.folder / card.partition("noise level](")[2].partition(")")[0]
    assert Image.open(picture).width > 1000


def test_only_reports_made_in_the_same_way_replace_each_other(reference: Reference, tmp_path: Path) -> None:
    run, info = Run(tmp_path), reference.feature_network.info
    network = dataclasses.replace(reference.feature_network, info=dataclasses.replace(info, sha256="another"))
    reports = [
        sampled(reference),
        sampled(reference, guidance=3.0),
        sampled(reference, steps=8),
        sampled(dataclasses.replace(reference, feature_network=network)),
    ]
    assert len({save(report, run) for report in reports}) == len(reports)
    assert save(sampled(reference), run) == save(reports[0], run)
    assert len(list(run.evaluations())) == len(reports)
