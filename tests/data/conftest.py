"""Every test of this room has a cache of its own."""

from pathlib import Path

import pytest

from tests.data.pictures import encoded, photo


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of a test."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("NEVOA_CACHE", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images in three classes."""
    for number in range(12):
        place = tmp_path / "pets" / ("cat", "dog", "newt")[number % 3] / f"{number:02d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encoded(photo(number), "PNG"))
    return tmp_path / "pets"
