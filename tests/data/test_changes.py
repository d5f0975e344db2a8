"""A user learns which files make a folder another one."""

from pathlib import Path

import pytest

from nevoa.config.presets import configure
from nevoa.data import changed_files, load_images
from nevoa.data.cache import forget, kept
from nevoa.errors import NevoaError
from nevoa.training import Planned, plan
from tests.conftest import TINY
from tests.data.pictures import PICTURES, written


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))


def test_files_are_named_by_what_happened_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    before = written(folder, {f"{name}.png": content for name, content in zip("abc", PICTURES, strict=False)})
    assert changed_files(before.fingerprint, before.fingerprint) == ""
    (folder / "b.png").unlink()
    now = written(folder, {"c.png": PICTURES[3], **{f"images-{n}.png": PICTURES[0] for n in range(7)}})
    assert changed_files(before.fingerprint, now.fingerprint) == (
        "The images differ: added images-0.png, images-1.png, images-2.png, images-3.png, images-4.png and 2 more; "
        "removed b.png; changed c.png."
    )


def test_the_same_files_in_another_size_do_not_differ(tmp_path: Path) -> None:
    before = written(tmp_path / "photos", {"a.png": PICTURES[0]})
    now = load_images(str(tmp_path / "photos"), size=8)
    assert before.fingerprint != now.fingerprint
    assert changed_files(before.fingerprint, now.fingerprint) == ""


def test_without_the_earlier_images_or_with_a_damaged_store_nothing_is_claimed(tmp_path: Path) -> None:
    before = written(tmp_path / "photos", {"a.png": PICTURES[0]})
    now = written(tmp_path / "photos", {"b.png": PICTURES[1]})
    (tmp_path / "cache" / "damaged").mkdir()
    (tmp_path / "cache" / "damaged" / "about.json").write_text("{")
    assert "added b.png" in changed_files(before.fingerprint, now.fingerprint)
    for one in kept():
        forget(one)
    assert changed_files(before.fingerprint, now.fingerprint) == ""
    assert changed_files(None, None) == ""


def test_a_training_on_other_files_names_them(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    before = written(folder, {"a.png": PICTURES[0], "b.png": PICTURES[1]})
    config = configure(folder, steps=1, options=TINY)
    saved = plan(config, before).plan
    now = written(folder, {"images.png": PICTURES[2]})
    with pytest.raises(NevoaError, match=r"The images differ: added images\.png\."):
        plan(config, now, recorded=Planned(saved))
