"""Any damage to a file of a checkpoint is noticed and named, and the next older checkpoint is used."""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from nevoa.errors import NevoaError
from nevoa.runs import checkpoint
from nevoa.runs.manifest import EMA, MODEL, NAME, OPTIMIZER, STATE, faults

FILES = (MODEL, EMA, OPTIMIZER, STATE, NAME)


def truncated(data: bytes) -> Iterator[bytes]:
    """Cut at the ends, and at twenty places between."""
    for end in sorted({0, 1, len(data) - 1, *range(0, len(data), max(1, len(data) // 20))}):
        yield data[:end]


def flipped(data: bytes) -> Iterator[bytes]:
    """A bit turned in each of a hundred regions, and in every one of the first 64 bytes."""
    for place in sorted({*range(min(64, len(data))), *range(0, len(data), max(1, len(data) // 100)), len(data) - 1}):
        yield data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]


@pytest.mark.parametrize("damage", [truncated, flipped])
@pytest.mark.parametrize("name", FILES)
def test_every_damage_is_noticed_by_name(
    two_checkpoints: tuple[Path, Path], caplog: pytest.LogCaptureFixture, name: str, damage
) -> None:
    older, newer = two_checkpoints
    data = (newer / name).read_bytes()
    for wrong in damage(data):
        (newer / name).write_bytes(wrong)
        assert faults(newer) == [name], wrong[:100]
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert checkpoint.newest(older.parent) == older
    assert f"{newer} is damaged ({name})" in caplog.text
    (newer / name).write_bytes(data)
    assert checkpoint.newest(older.parent) == newer


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_or_of_another_checkpoint_is_noticed(two_checkpoints: tuple[Path, Path], name: str) -> None:
    older, newer = two_checkpoints
    shutil.copy(older / name, newer / name)
    assert faults(newer)
    assert checkpoint.newest(older.parent) == older
    (newer / name).unlink()
    assert faults(newer) == [name]


def test_a_checkpoint_under_another_number_is_noticed(two_checkpoints: tuple[Path, Path]) -> None:
    older, newer = two_checkpoints
    newer.rename(newer.with_name(f"{10**6:012d}"))
    assert checkpoint.newest(older.parent) == older


def test_a_checkpoint_of_a_later_format_is_not_damaged(two_checkpoints: tuple[Path, Path]) -> None:
    path = two_checkpoints[1] / "manifest.json"
    record = json.loads(path.read_text()) | {"format": 3}
    record.pop("sha256")
    record |= {"sha256": hashlib.sha256(json.dumps(record).encode()).hexdigest()}
    path.write_text(json.dumps(record))
    with pytest.raises(NevoaError, match="has format 3, but this version of nevoa reads format 2"):
        checkpoint.newest(two_checkpoints[0].parent)
