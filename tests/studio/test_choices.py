"""What was chosen last is there again, whatever has happened to the workspace meanwhile."""

from pathlib import Path

import pytest

from nevoa.studio.choices import choices, keep
from nevoa.studio.commands import Images, Training
from nevoa.studio.workspace import Workspace

MINE = Training(Images("hf:me/cats", "a, b", "48x64", "3"), "cats", "photos", 7.5, "runs/a", None, "training.loss=l2")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    found = Workspace(tmp_path)
    found.uploads.mkdir(parents=True)
    return found


def test_a_form_is_given_back_as_it_was(workspace: Workspace) -> None:
    keep(workspace, MINE)
    assert choices(workspace) == MINE


@pytest.mark.parametrize("text", ["", "no JSON", '{"preset": "one of an older version"}', '{"minutes": "many"}', "[]"])
def test_what_cannot_be_read_is_a_form_that_nobody_has_filled_in(workspace: Workspace, text: str) -> None:
    keep(workspace, MINE)
    workspace.choices_file.write_text(text)
    assert choices(workspace) == Training(Images("fashion_mnist_10k"))


def test_an_empty_form_is_not_kept(workspace: Workspace) -> None:
    keep(workspace, MINE)
    keep(workspace, Training())
    assert choices(workspace) == MINE


def test_images_that_are_gone_give_way_to_the_newest_upload(workspace: Workspace) -> None:
    gone = Images("studio/uploads/gone.zip")
    keep(workspace, Training(gone))
    assert choices(workspace).images.source == "fashion_mnist_10k"
    (workspace.uploads / "other.zip").touch()
    assert choices(workspace).images.source == "studio/uploads/other.zip"


def test_a_name_that_a_run_has_is_not_offered(workspace: Workspace) -> None:
    keep(workspace, MINE)
    (workspace.runs / "cats").mkdir(parents=True)
    assert choices(workspace).run == "cats-2"
