"""Runs of the version before are not resumed; their models open."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import nevoa
from nevoa.config import Config, ModelPlan, Plan
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.runs import Run
from nevoa.runs.check import check
from nevoa.runs.model_files import read_plan
from nevoa.training import Job, prepare
from tests.small_runs import stop_after


def as_format_1(plan: Plan) -> dict[str, object]:
    """The config that the version before wrote beside a model, of the same model."""
    tables = plan.model_dump(mode="json")
    data, training = tables["data"], tables["training"]
    del data["images"], data["division"]
    minutes = {"minutes": training.pop("minutes"), "epochs": None, "steps": training.pop("images")}
    training |= {**minutes, "conditional": bool(plan.classes)}
    data["classes"] = list(plan.classes) or None
    return {name: tables[name] for name in ("data", "diffusion", "network", "sampling", "training")}


def made_older(run: Run) -> None:
    """As if the version before had trained a run: its model, and a config without a plan and a journal."""
    plan, file = run.plan(), run.model_config_file
    values = json.loads(file.read_text())
    del values["plan"]
    file.write_text(json.dumps(values | {"format": 1, "config": as_format_1(plan)}))
    run.config_file.write_text('format = 1\n\n[data]\nsource = "noise"\n')
    (run.folder / "status.json").write_text('{"state": "finished"}')
    run.plan_file.unlink()
    run.journal_file.unlink()
    for path in run.checkpoints.rglob("plan.toml"):
        path.rename(path.with_name("config.toml"))
    for path in run.checkpoints.rglob("manifest.json"):
        path.write_text(path.read_text().replace('"format": 2', '"format": 1'))


@pytest.fixture
def older(job: Job, tmp_path: Path) -> Run:
    run = Run(tmp_path / "older")
    stop_after(job, run.folder, 2)
    shutil.copytree(run.folder, tmp_path / "newer")
    made_older(run)
    return run


def test_its_model_makes_the_same_images(older: Run, tmp_path: Path) -> None:
    model, same = nevoa.load(older.folder, "cpu"), nevoa.load(tmp_path / "newer", "cpu")
    assert isinstance(same.plan, Plan) and not isinstance(model.plan, Plan)
    np.testing.assert_array_equal(model.sample(2, steps=2), same.sample(2, steps=2))
    assert not older.exists


def test_its_classes_are_those_it_was_told_of(older: Run) -> None:
    """One with names that was trained without them is unconditional."""
    values = json.loads(older.model_config_file.read_text())
    values["config"]["data"]["classes"] = ["a", "b"]
    expected = {(True, 0.1): (("a", "b"), True), (True, 0.0): (("a", "b"), False), (False, 0.1): ((), True)}
    for (conditional, dropout), (classes, null_label) in expected.items():
        values["config"]["training"] |= {"conditional": conditional, "label_dropout": dropout}
        older.model_config_file.write_text(json.dumps(values))
        plan, shape = read_plan(older.model_config_file)
        assert (plan.classes, plan.null_label, plan.distilled_from, shape) == (classes, null_label, None, (1, 8, 8))


def test_a_distilled_one_names_its_teacher(older: Run) -> None:
    values = json.loads(older.model_config_file.read_text())
    values["config"]["training"] |= {"objective": "match", "start": "runs/teacher"}
    older.model_config_file.write_text(json.dumps(values))
    plan: ModelPlan = read_plan(older.model_config_file)[0]
    assert plan.distilled_from == "runs/teacher"


@pytest.mark.parametrize("left", ["all", "a published copy"])
def test_it_is_refused_with_what_still_opens(older: Run, left: str, tiny: Config, few_images: ImageSet) -> None:
    """A published copy has no checkpoints."""
    if left != "all":
        shutil.rmtree(older.checkpoints)
    before = {path: path.read_bytes() for path in older.folder.rglob("*") if path.is_file()}
    for use in (lambda: prepare(tiny, few_images, run=older), older.last_plan, older.plan, lambda: list(check(older))):
        with pytest.raises(NevoaError) as refused:
            use()
        told = str(refused.value)
        assert "a run of the version before, which this one cannot resume. Its model still opens" in told
        assert f"'nevoa sample {older.folder}'" in told and f"'nevoa train SOURCE --from {older.folder}'" in told
    assert {path: path.read_bytes() for path in older.folder.rglob("*") if path.is_file()} == before


def test_a_config_of_the_version_before_is_refused_with_what_still_opens(older: Run) -> None:
    with pytest.raises(
        NevoaError,
        match=r"has format 1, but this version of nevoa reads format 2\. The model of an older run still opens",
    ):
        older.config()


def test_a_run_that_only_lost_its_plan_is_not_taken_for_an_older_one(tmp_path: Path, older: Run) -> None:
    newer = Run(tmp_path / "newer")
    newer.plan_file.unlink()
    assert dict(check(newer))["plan.toml"].startswith("missing; to restore it")
