"""The models that come with nevoa, by their names."""

from pathlib import Path

import pytest

import nevoa
from nevoa.runs import PACKAGED, Run, is_packaged, named, packaged_names


def test_a_name_is_that_of_a_model_of_nevoa_unless_a_run_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("avatars").mkdir()  # images, perhaps, but no run
    assert is_packaged("avatars") and Run(named("avatars")).has_model
    (tmp_path / "avatars" / "plan.toml").touch()
    assert not is_packaged("avatars") and named("avatars") == Path("avatars")


def test_paths_name_no_model_of_nevoa() -> None:
    assert not any(map(is_packaged, ("runs/avatars", "./avatars/", "", "nothing", Path("/avatars"))))
    assert named(PACKAGED) == PACKAGED


def test_the_model_of_clothes_has_a_name_too() -> None:
    assert {"avatars", "emoji", "fashion_mnist"} <= {*packaged_names()}
    assert nevoa.load("fashion_mnist").place == nevoa.load().place
