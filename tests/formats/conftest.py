"""A Hub on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.formats.fake_hub import FakeHub, serving


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """An empty Hub, which the client takes for the real one."""
    with serving(monkeypatch, tmp_path / "cache") as server:
        yield server
