"""Results get names that nobody else has, and replace nothing."""

import multiprocessing
import os
import signal
from itertools import islice
from pathlib import Path

import pytest

from nevoa._util.files import scratch_below, sweep
from nevoa._util.reserve import numbered, reserve_output
from nevoa.errors import NevoaError


def write(path: Path, text: str, force: bool = False) -> None:
    with reserve_output([path], force) as reserved:
        reserved.temporary.write_text(text)


def test_an_existing_file_is_refused_before_the_work_and_replaced_with_force(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_text("a photo")
    message = r"photo\.png exists: choose another --out, or replace the file with --force"
    with pytest.raises(NevoaError, match=message), reserve_output([photo]):
        pytest.fail("the work has begun")
    assert photo.read_text() == "a photo"
    write(photo, "a grid", force=True)
    assert photo.read_text() == "a grid"


def test_a_link_that_leads_nowhere_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "x.png").symlink_to(tmp_path / "disk that is not mounted")
    with pytest.raises(NevoaError, match="exists"):
        write(tmp_path / "x.png", "")


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(("name", "files"), [("photos", 1), ("x.png", 0)])
def test_a_folder_is_never_replaced(name: str, files: int, force: bool, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    for number in range(files):
        (tmp_path / name / f"{number}.png").touch()
    with pytest.raises(NevoaError, match="is a folder that exists"):
        write(tmp_path / name, "", force)


def test_an_empty_folder_becomes_the_folder_of_results(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    with reserve_output([tmp_path / "new"]) as reserved:
        reserved.temporary.mkdir()
        (reserved.temporary / "0.png").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["0.png"]


def test_a_file_that_appears_during_the_work_is_kept(tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match="exists"), reserve_output([tmp_path / "x.png"]) as reserved:
        reserved.temporary.write_text("ours")
        reserved.path.write_text("theirs")
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
    assert (tmp_path / "x.png").read_text() == "theirs"


def test_default_names_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("images.png").write_text("a photo")
    with reserve_output(numbered("images.png")) as first, reserve_output(numbered("images.png")) as second:
        first.temporary.touch()
        second.temporary.touch()
    assert [str(first.path), str(second.path)] == ["images-2.png", "images-3.png"]
    assert Path("images.png").read_text() == "a photo"
    assert [str(path) for path in islice(numbered("a.b.png"), 2)] == ["a.b.png", "a.b-2.png"]
    assert [*islice(numbered("v1.5-site"), 2)] == [Path("v1.5-site"), Path("v1.5-site-2")]


def test_an_error_leaves_nothing_not_even_the_folders_around(tmp_path: Path) -> None:
    with pytest.raises(KeyError), reserve_output([tmp_path / "new" / "er" / "x.png"]) as reserved:
        reserved.temporary.touch()
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "new" / "er" / "x.png", "")
    assert [path.name for path in (tmp_path / "new" / "er").iterdir()] == ["x.png"]


def test_an_error_with_another_file_is_not_said_of_the_result(tmp_path: Path) -> None:
    with (
        pytest.raises(NevoaError, match=r"Cannot open .*missing\.txt: No such file"),
        reserve_output([tmp_path / "x.png"]),
    ):
        (tmp_path / "missing.txt").read_text()
    with (
        pytest.raises(NevoaError, match=r"Cannot write .*x\.png: No"),
        reserve_output([tmp_path / "x.png"]) as reserved,
    ):
        (reserved.temporary / "0.png").touch()
    assert list(tmp_path.iterdir()) == []


def test_a_second_process_finds_out_before_the_work(tmp_path: Path) -> None:
    with reserve_output([tmp_path / "x.png"]) as reserved:
        message = r"Another process is writing .*x\.png"
        with pytest.raises(NevoaError, match=message), reserve_output([tmp_path / "x.png"], force=True):
            pytest.fail("the work has begun")
        assert scratch_below(tmp_path) == []
        sweep(tmp_path)
        reserved.temporary.write_text("whole")
    assert (tmp_path / "x.png").read_text() == "whole"


def _killed(path: Path) -> None:
    with reserve_output([path]) as reserved:
        reserved.temporary.mkdir()
        (reserved.temporary / "0.png").touch()
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("by", ["the same command", "a training"])
def test_what_a_killed_process_left_is_removed(by: str, tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_killed, args=(tmp_path / "x",))
    process.start()
    process.join()
    assert [path.name for path in tmp_path.iterdir()] == [".x.part"]
    if by == "a training":
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == []
        return
    with reserve_output([tmp_path / "x"]) as reserved:
        reserved.temporary.mkdir()
        (reserved.temporary / "1.png").touch()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["1.png", "x"]
