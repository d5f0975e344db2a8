"""The workspace keeps what people bring, and gives nothing outside of it."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevoa.errors import NevoaError
from nevoa.studio import workspace as rooms
from nevoa.studio.jobs import Record
from nevoa.studio.workspace import Workspace, plain_name


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def brought(folder: Path, *names: str) -> list[Path]:
    """Files as Gradio keeps them: each in a folder of its own."""
    paths = []
    for number, name in enumerate(names):
        path = folder / "brought" / str(number) / name
        path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())
        paths.append(path)
    return paths


@pytest.mark.slow
@given(st.text())
def test_a_plain_name_is_one_file_in_the_folder_and_stays_itself(name: str) -> None:
    plain = plain_name(name)
    path = Path("/a") / plain
    assert path.parent == Path("/a")
    assert os.path.normpath(path) == str(path)
    assert not plain.startswith((".", "-"))
    assert len(plain.encode()) <= 255
    assert plain_name(plain) == plain


def test_files_become_a_folder_and_an_archive_stays_a_file(workspace: Workspace, tmp_path: Path) -> None:
    source = workspace.receive(brought(tmp_path / "a", "x.png", "x.png", "../y.png".replace("/", "_")))
    kept = workspace.folder / source
    assert kept.is_dir()
    assert [path.read_bytes() for path in sorted(kept.iterdir())] == [b"x.png", b"x.png", b".._y.png"]
    os.utime(kept, (1, 1))
    archive = workspace.receive(brought(tmp_path / "b", "photos of me.zip"))
    assert (workspace.folder / archive).name == "photos-of-me.zip"
    assert workspace.sources() == [archive, source]


def test_captions_and_tables_stay_beside_their_images(workspace: Workspace, tmp_path: Path) -> None:
    names = ["a cat.jpg", "a cat.txt", "metadata.csv"]
    source = workspace.receive(brought(tmp_path / "a", *names))
    assert sorted(path.name for path in (workspace.folder / source).iterdir()) == names
    assert workspace.receive(brought(tmp_path / "b", *reversed(names))) == source
    assert Path(workspace.receive(brought(tmp_path / "c", "photos.tar.xz"))).name == "photos.tar.xz"


def test_a_run_whose_newest_job_ended_well_is_no_longer_listed_for_an_older_refusal(workspace: Workspace) -> None:
    """1 was refused and 2 is of the same run and ended well; 3 was refused, too."""
    folder = workspace.jobs.folder
    folder.mkdir(parents=True)
    for number, (run, code) in enumerate([("a", 2), ("a", 0), ("b", 2)], 1):
        record = Record(arguments=("train",), run=run, started=True, code=code)
        (folder / f"{number}.json").write_text(record.model_dump_json())
        (folder / f"{number}.log").write_text("nevoa: no.\n")
    assert workspace.watchable() == ["b"]


def test_the_same_name_with_other_contents_is_two_sources(workspace: Workspace, tmp_path: Path) -> None:
    first, second = brought(tmp_path / "x", "a.zip"), brought(tmp_path / "y", "a.zip")
    second[0].write_bytes(b"other")
    assert [workspace.receive(files) for files in (first, second)] == ["studio/uploads/a.zip", "studio/uploads/2-a.zip"]


@pytest.mark.parametrize("names", [["a.zip"], ["x.png", "y.png"]])
def test_the_same_contents_are_kept_once(workspace: Workspace, tmp_path: Path, names: list[str]) -> None:
    first, again = (workspace.receive(brought(tmp_path / name, *names)) for name in "xy")
    assert first == again
    assert workspace.sources() == [first]
    assert workspace.receive(brought(tmp_path / "z", *names, "more.png")) != first


def test_too_many_too_large_or_no_files_are_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = brought(tmp_path / "a", "x.png", "y.png")
    with pytest.raises(NevoaError, match="no files"):
        workspace.receive([])
    monkeypatch.setattr(rooms, "MOST_FILES", 1)
    with pytest.raises(NevoaError, match="put them into a"):
        workspace.receive(files)
    monkeypatch.setattr(rooms, "MOST_FILES", 2)
    monkeypatch.setattr(rooms, "MOST_BYTES", 3)
    with pytest.raises(NevoaError, match="fewer or smaller"):
        workspace.receive(files)
    assert workspace.sources() == []


@pytest.mark.parametrize("name", ["", ".", "..", "../secret", "a/b", "/etc", "missing", ".hidden", "a\0b"])
def test_what_is_no_run_is_refused(workspace: Workspace, name: str) -> None:
    (workspace.runs / "a" / "b").mkdir(parents=True)
    (workspace.runs / ".hidden").mkdir()
    (workspace.folder / "secret").mkdir()
    with pytest.raises(NevoaError, match="There is no run"):
        workspace.run(name)


def test_a_picture_that_is_shown_again_stays(workspace: Workspace) -> None:
    """It is written again, which leaves the time of its folder as it was."""
    old, again = workspace.served / "old", workspace.served / "again"
    for folder in (old, again):
        folder.mkdir(parents=True)
        (folder / "image.png").touch()
        os.utime(folder / "image.png", (0, 0))
        os.utime(folder, (0, 0))
    os.utime(again / "image.png")
    workspace.tidy()
    assert [path.name for path in workspace.served.iterdir()] == ["again"]


def test_a_free_name_is_one_that_no_run_has(workspace: Workspace) -> None:
    (workspace.runs / "a").mkdir(parents=True)
    (workspace.runs / "a-2").mkdir()
    assert workspace.free_name("a") == workspace.free_name("a-2") == "a-3"
    assert workspace.free_name("b") == "b"


def test_a_name_that_a_job_waits_for_is_free_for_the_same_job_alone(workspace: Workspace) -> None:
    workspace.jobs.folder.mkdir(parents=True)
    record = Record(arguments=("train", "--out=runs/b"), run="b")
    (workspace.jobs.folder / "1.json").write_text(record.model_dump_json())
    assert workspace.free_name("b") == "b-2"
    assert workspace.free_name("b", lambda name: ["train", f"--out=runs/{name}"]) == "b"
    assert workspace.free_name("b", lambda name: ["train", "--seed=1", f"--out=runs/{name}"]) == "b-2"
