"""`nevoa verify`, typed in this process."""

import json
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from nevoa import evaluation
from nevoa.commands.measuring import Subject
from nevoa.commands.verify import reference_of
from nevoa.errors import NevoaError
from tests.cli.conftest import Refuses, nevoa
from tests.data.sources.test_builtin import needs_debian

REPORT = "runs/tiny/evaluation/ddpm-2-trailing-eta0-150-seed0-fashion-2.json"
MADE = ("--count", "150", "--steps", "2", "--metrics", "frechet,classes")


@pytest.fixture
def measured(trained: Path, tmp_path: Path) -> Path:
    """A folder with a measured run."""
    shutil.copytree(trained / "runs", tmp_path / "runs")
    nevoa("evaluate", "runs/tiny", *MADE, folder=tmp_path)
    return tmp_path


def changed(path: Path, **others: Any) -> None:
    """Edit keys of a report."""
    path.write_text(json.dumps(json.loads(path.read_text()) | others))


def with_facts(report: dict[str, Any], **facts: str) -> dict[str, Any]:
    """The receipt of a report, with other facts."""
    return report["receipt"] | {"facts": report["receipt"]["facts"] | facts}


@needs_debian
@pytest.mark.slow
def test_a_report_is_verified_and_an_edited_score_is_found(measured: Path) -> None:
    out = nevoa("verify", REPORT, folder=measured).stdout
    assert "All scores agree. Nothing else differs" in out
    assert "differs\n" not in out
    shutil.copy(measured / REPORT, measured / "elsewhere.json")
    said = json.loads(nevoa("verify", "elsewhere.json", "--run", "runs/tiny", "--json", folder=measured).stdout)
    names = {"fd_fashion", "fd_fashion_low", "fd_fashion_high", "confidence"}
    assert said["agrees"] and {row["name"] for row in said["scores"]} == names
    assert said["facts"][-1]["name"] == "images" and all(fact["agrees"] for fact in said["facts"])
    scores = {row["name"]: row["reported"] for row in said["scores"]}
    changed(measured / REPORT, scores=scores | {"fd_fashion": scores["fd_fashion"] * 1.001})
    out = nevoa("verify", REPORT, folder=measured, code=1).stdout
    assert "These scores differ: fd_fashion." in out


@pytest.mark.slow
def test_a_report_on_a_model_that_comes_with_nevoa_is_about_it_by_its_name(tmp_path: Path) -> None:
    asked = "--against", "shapes", "--count", "16", "--steps", "1", "--metrics", "memorisation", "--json"
    report = nevoa("evaluate", "drawings32", *asked, folder=tmp_path).stdout
    assert json.loads(report)["subject"] == "drawings32"
    (tmp_path / "report.json").write_text(report)
    assert "All scores agree" in nevoa("verify", "report.json", folder=tmp_path).stdout


@needs_debian
@pytest.mark.slow
def test_other_versions_and_machines_are_named_and_tolerated(measured: Path) -> None:
    report = json.loads((measured / REPORT).read_text())
    scores = report["scores"]
    spread = (scores["fd_fashion_high"] - scores["fd_fashion_low"]) / 3.92  # an interval of 95 %
    changed(
        measured / REPORT,
        receipt=with_facts(report, torch="2.6.0"),
        scores=scores | {"fd_fashion": scores["fd_fashion"] + 0.9 * spread},
    )
    out = nevoa("verify", REPORT, folder=measured).stdout
    assert "because this differs: torch." in out


@needs_debian
@pytest.mark.slow
def test_other_weights_are_found_before_images_are_made(measured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "from_run", lambda *_, **__: pytest.fail("made images"))
    changed(measured / REPORT, receipt=with_facts(json.loads((measured / REPORT).read_text()), weights="0" * 16))
    out = nevoa("verify", REPORT, folder=measured, code=1).stdout
    assert "cannot be compared, so no images were made" in out
    assert any(line.startswith("weights") and line.rstrip().endswith("differs") for line in out.splitlines())


@needs_debian
@pytest.mark.slow
def test_a_score_that_nothing_here_measures_is_named_before_images_are_made(
    measured: Path, monkeypatch: pytest.MonkeyPatch, refuses: Refuses
) -> None:
    monkeypatch.setattr(evaluation, "from_run", lambda *_, **__: pytest.fail("made images"))
    scores = json.loads((measured / REPORT).read_text())["scores"]
    changed(measured / REPORT, scores=scores | {"sharpness": 1.0})
    refuses(["verify", REPORT], "Nothing here measures sharpness: install the plugin or the version", measured)


@needs_debian
@pytest.mark.slow
def test_a_report_on_images_in_a_file_is_verified(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (140, 28, 28, 1), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    report = nevoa("evaluate", "images.npy", "--json", "--metrics", "frechet", folder=tmp_path).stdout
    (tmp_path / "report.json").write_text(report)
    assert "All scores agree" in nevoa("verify", "report.json", folder=tmp_path).stdout
    np.save(tmp_path / "images.npy", images // 2)
    out = nevoa("verify", "report.json", folder=tmp_path, code=1).stdout
    assert "These scores differ: fd_fashion" in out and "images" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "is not a report: it has no key receipt. 'nevoa evaluate' writes reports"),
        ({"subject": "nowhere"}, "The report is about nowhere, which is not here. Name the run, model or images with"),
        ({"weights": None}, "The report is about a model, which runs/tiny is not. Name a model with --run"),
        ({"scores": "high"}, "is damaged or unreadable: scores: Input should be a valid dictionary"),
    ],
    ids=["no report", "gone", "another kind", "damaged"],
)
def test_what_cannot_be_verified_is_one_sentence(
    values: dict[str, Any], message: str, trained: Path, tmp_path: Path, refuses: Refuses
) -> None:
    shutil.copytree(trained / "runs", tmp_path / "runs")
    reference = {"source": "shapes", "digest": ""}
    receipt = {"config": None, "network_evaluations": 300, "reference": reference, "facts": {}}
    protocol = {"name": "nevoa-a/2", "count": 9, "seed": 0, "sampler": {"sampler": "ddim"}, "feature_network": None}
    report = {"subject": "runs/tiny", "title": "", "images": 9, "weights": "w", "protocol": protocol, "scores": {}}
    report |= {"floor_spread": {}} | ({"receipt": receipt} if values else {}) | values
    (tmp_path / "report.json").write_text(json.dumps(report))
    refuses(["verify", "report.json"], message, tmp_path)


def test_a_missing_report_is_one_sentence(tmp_path: Path, refuses: Refuses) -> None:
    refuses(["verify", "nowhere.json"], "There is no file nowhere.json.", tmp_path)


@pytest.mark.parametrize(
    ("digest", "against", "gone"), [("own", None, False), ("b", "shapes", False), ("b", "shapes", True)]
)
def test_a_report_against_another_choice_of_the_same_source_is_measured_against_that(
    digest: str, against: str | None, gone: bool
) -> None:
    """As after `evaluate --against shapes` of a run on some of its classes, or on images that are no longer there."""
    own = Mock(digest="own", train=Mock(notes=Mock(source="shapes")))

    def reference(named: str | None) -> Any:
        if gone and named is None:
            raise NevoaError("There is no file or folder photos.")
        return named or own

    subject = Mock(spec=Subject, run=Path("r"), reference=reference)
    saved = Mock(receipt=Mock(reference=Mock(digest=digest, source="shapes")))
    assert reference_of(saved, subject) == (against or own)
