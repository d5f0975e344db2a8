"""What can be done with runs from the page, and what a run that vanishes or is at work answers."""

import shutil
from pathlib import Path

import pytest

import nevoa
from nevoa.errors import NevoaError
from nevoa.runs import Run, training_lock
from nevoa.studio.jobs import Jobs, Record
from nevoa.studio.run_actions import RunActions
from nevoa.studio.texts import texts
from nevoa.studio.workspace import Workspace
from tests.conftest import TINY


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "a b"
    nevoa.train("shapes", steps=4, out=folder, options=TINY, progress=False)
    return folder


@pytest.fixture
def workspace(trained: Path, tmp_path: Path) -> Workspace:
    found = Workspace(tmp_path)
    for name in ("a b", "other"):
        shutil.copytree(trained, found.runs / name)
    found.served.mkdir(parents=True)
    return found


@pytest.fixture
def actions(workspace: Workspace) -> RunActions:
    return RunActions(workspace, texts("en"))


@pytest.mark.slow
def test_all_runs_are_listed(actions: RunActions) -> None:
    heads, _, *rows = (line.strip("| ").split(" | ") for line in actions.table().splitlines())
    assert heads[:3] == ["run", "state", "images seen"]
    assert sorted(row[:3] for row in rows) == [["a b", "finished", "32 / 32"], ["other", "finished", "32 / 32"]]


@pytest.mark.slow
def test_runs_are_compared(actions: RunActions) -> None:
    [(losses, _)] = actions.compare(["a b", "other"])
    assert losses.width > 100
    assert [name for _, name in actions.samples(["a b", "other"])] == ["a b", "other"]


@pytest.mark.parametrize("action", ["compare", "samples", "evaluate", "report", "check"])
@pytest.mark.parametrize("names", [[], ["gone"], ["../runs/other"]])
def test_no_run_or_one_that_is_gone_is_a_sentence(actions: RunActions, action: str, names: list[str]) -> None:
    with pytest.raises(NevoaError, match="No run is chosen" if not names else "There is no run"):
        getattr(actions, action)(names)


def test_a_run_without_a_report_says_so(actions: RunActions) -> None:
    with pytest.raises(NevoaError, match="evaluate them"):
        actions.report(["other"])


@pytest.mark.parametrize(
    ("code", "said"),
    [(None, "The evaluation of other runs, or waits"), (2, "no images are here"), (0, "evaluate them")],
)
def test_reports_say_what_became_of_an_evaluation(
    code: int | None, said: str, actions: RunActions, workspace: Workspace
) -> None:
    folder = workspace.jobs.folder
    folder.mkdir(parents=True)
    record = Record(arguments=("evaluate", "runs/other"), run="other", started=code is not None, code=code)
    (folder / "1.json").write_text(record.model_dump_json())
    (folder / "1.log").write_text("nevoa: no images are here.\n")
    with pytest.raises(NevoaError, match=said):
        actions.report(["a b", "other"])


def test_runs_without_a_preview_say_so(actions: RunActions, workspace: Workspace) -> None:
    shutil.rmtree(workspace.run("other").folder / "samples")
    with pytest.raises(NevoaError, match="has a preview yet"):
        actions.samples(["other"])


def test_scores_stand_side_by_side(actions: RunActions, workspace: Workspace) -> None:
    values = {"images": 9, "protocol": {"name": "nevoa-fashion/2"}, "scores": {"fd_fashion": 1.23456}}
    workspace.run("other").save_evaluation("first", values)
    table, pictures = actions.report(["a b", "other"])
    assert "| fd_fashion | 1.235 |" in table
    assert pictures == []


@pytest.mark.slow
def test_a_run_at_work_is_not_checked(actions: RunActions, workspace: Workspace) -> None:
    with training_lock(workspace.run("other")), pytest.raises(NevoaError, match="being trained"):
        actions.check(["other"])


def test_damaged_parts_are_named(actions: RunActions, workspace: Workspace) -> None:
    assert "valid" in actions.check(["other"])
    with workspace.run("a b").metrics_file.open("a") as file:
        file.write('{"images_')
    said = actions.check(["a b", "other"])
    assert "metrics.jsonl" in said
    assert "other: all" in said


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "suffix"), [("onnx", ".onnx"), ("diffusers", ".zip"), ("web", ".html")])
def test_a_model_is_exported_as_one_file(actions: RunActions, workspace: Workspace, kind: str, suffix: str) -> None:
    path = Path(actions.export(["a b"], kind))
    assert path.suffix == suffix
    assert path.is_relative_to(workspace.served)
    assert path.stat().st_size > 1000


def test_a_run_is_removed_when_its_name_is_typed(actions: RunActions, workspace: Workspace) -> None:
    for names, typed in ((["other"], "othe"), (["a b", "other"], "other"), ([], "")):
        with pytest.raises(NevoaError, match="type its name"):
            actions.remove(names, typed)
    assert "removed" in actions.remove(["other"], " other ")
    assert workspace.run_names() == ["a b"]


def test_a_run_at_work_is_not_removed(
    actions: RunActions, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = workspace.run("other")
    with training_lock(run), pytest.raises(NevoaError, match="is being trained"):
        actions.remove(["other"], "other")
    monkeypatch.setattr(Jobs, "launch", lambda *_: None)
    workspace.jobs.add(["evaluate", "runs/other"], "other")
    with pytest.raises(NevoaError, match="has a job already"):
        actions.remove(["other"], "other")
    assert Run(run.folder).has_model
