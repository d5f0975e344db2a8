"""What the cache holds and how room is made in it."""

import os
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from nevoa.data import cache_folder, load_images
from nevoa.data.cache import forget, kept, lock_file
from nevoa.errors import NevoaError


def stored(folder: Path, name: str, count: int) -> Path:
    """Load an array of so many images, and return its file."""
    path = folder / f"{name}.npy"
    np.save(path, np.full((count, 4, 4), 7, np.uint8))
    load_images(str(path))
    return path


def test_an_empty_cache_is_an_empty_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert kept() == []
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "missing"))
    assert kept() == []


def test_stores_are_listed_by_their_last_use(tmp_path: Path) -> None:
    path = stored(tmp_path, "a", 5)
    stored(tmp_path, "b", 6)
    for number, one in enumerate(sorted(kept(), key=lambda one: one.name)):
        os.utime(one.path / "about.json", (1000 + number, 1000 + number))
    assert [(one.name[0], one.images, one.used) for one in kept()] == [("b", 6, 1001), ("a", 5, 1000)]
    load_images(str(path))  # opening it is a use, and no damage
    newest, other = kept()
    assert (newest.name[0], other.name[0]) == ("a", "b")
    assert newest.used > 1001
    assert newest.bytes == sum(file.stat().st_size for file in newest.path.iterdir())


def test_what_is_removed_is_gone_and_made_again_when_needed(tmp_path: Path) -> None:
    path = stored(tmp_path, "a", 5)
    before = load_images(str(path)).fingerprint
    (one,) = kept()
    forget(one)
    assert not kept()
    assert not one.path.exists()
    assert load_images(str(path)).fingerprint == before


def test_unfinished_stores_and_features_can_be_removed_and_feature_networks_stay() -> None:
    for name in (".pets-0.partial", ".cats-0.abc.part", "features", "feature-networks"):
        (cache_folder() / name).mkdir()
        (cache_folder() / name / "x").write_bytes(b"123")
    assert {(one.name, one.images, one.bytes) for one in kept()} == {
        ("pets-0", None, 3),
        ("cats-0.abc", None, 3),
        ("features", None, 3),
    }
    for one in kept():
        forget(one)
    assert {path.name for path in cache_folder().iterdir() if path.is_dir()} == {"feature-networks"}


def test_a_store_that_is_being_prepared_is_not_removed() -> None:
    (cache_folder() / ".pets-0.partial").mkdir()
    (one,) = kept()
    with (
        FileLock(lock_file(cache_folder() / "pets-0")),
        pytest.raises(NevoaError, match="Another process"),
    ):
        forget(one)
    assert one.path.exists()


def test_a_damaged_store_can_be_removed(tmp_path: Path) -> None:
    stored(tmp_path, "a", 5)
    (one,) = kept()
    (one.path / "about.json").write_text("{")
    (damaged,) = kept()
    assert damaged.images == 0
    forget(damaged)
    assert not kept()


def test_an_array_that_was_only_touched_or_moved_gets_no_second_copy(tmp_path: Path) -> None:
    path = stored(tmp_path, "a", 5)
    os.utime(path, (1, 1))
    load_images(str(path))
    (tmp_path / "other").mkdir()
    load_images(str(path.rename(tmp_path / "other" / "a.npy")))
    assert len(kept()) == 1
    np.save(tmp_path / "other/a.npy", np.full((5, 4, 4), 8, np.uint8))
    assert load_images(str(tmp_path / "other/a.npy")).images.max() == 8
    assert len(kept()) == 2
