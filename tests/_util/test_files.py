"""Files are whole or not there; draws have no memory."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevoa._util.files import (
    append_line,
    check_room,
    published,
    read_json,
    read_lines,
    remove,
    sha256,
    sweep,
    write_text,
)
from nevoa._util.random import Blocks, Stream, generator
from nevoa.errors import NevoaError


def test_a_file_appears_whole(tmp_path: Path) -> None:
    with published(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "half"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(KeyError), published(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        raise KeyError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with published(tmp_path / "folder") as temporary:
        temporary.mkdir()
        (temporary / "b").write_bytes(b"12345")
        assert not (tmp_path / "folder").exists()
    assert (tmp_path / "folder" / "b").read_bytes() == b"12345"


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NevoaError, match="Cannot write"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_what_is_removed_is_gone_and_leaves_no_litter(tmp_path: Path) -> None:
    write_text(tmp_path / "folder" / "a", "x")
    remove(tmp_path / "folder")
    assert not list(tmp_path.iterdir())
    with pytest.raises(NevoaError, match="Cannot remove"):
        remove(tmp_path / "folder")


def test_what_a_killed_process_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    kept = [tmp_path / "b" / "a.txt", tmp_path / ".hidden", tmp_path / ".file.part"]
    for path in kept:
        write_text(path, "x")
    (tmp_path / "b" / ".a.txt.1234.part").mkdir()
    (tmp_path / "b" / ".a.txt.1234.part" / "a.txt").write_text("half")
    sweep(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    assert not list(tmp_path.rglob(".*.1234.part"))


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_room(tmp_path / "not" / "yet", 1000, "The run")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    with pytest.raises(NevoaError, match=r"The run needs up to 6 MB in .*; 5 MB are free"):
        check_room(tmp_path / "not" / "yet", 6_000_000, "The run")


@pytest.mark.parametrize("text", ["", "[", "[1]", "null", "[" * 100_000, '{"a": ' * 100_000, '{"a": 1}}', "\ud800"])
def test_what_is_no_object_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(NevoaError, match=r"a\.json is damaged"):
        read_json(tmp_path / "a.json")


def test_lines_are_read_up_to_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert list(read_lines(path)) == []
    for line in ('{"n": 1}', '{"n": 2}'):
        append_line(path, line)
    with path.open("a") as file:
        file.write('{"n": 3}')  # whole, but who knows without its end of line: it may have been 33
    assert [line["n"] for line in read_lines(path)] == [1, 2]


def test_sha256_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty").startswith("e3b0c44298fc1c14")


def test_a_draw_is_a_function_of_seed_stream_and_place() -> None:
    first = generator(1, Stream.NOISE, 5).random(3)
    generator(1, Stream.NOISE, 6).random(100)
    np.testing.assert_array_equal(generator(1, Stream.NOISE, 5).random(3), first)
    for other in (generator(2, Stream.NOISE, 5), generator(1, Stream.FLIP, 5), generator(1, Stream.NOISE, 6)):
        assert (other.random(3) != first).all()


positions = st.tuples(st.integers(0, 2**32 - 1), st.sampled_from(Stream), st.integers(0, 2**63 - 1))


@given(positions, positions)
def test_each_seed_stream_and_position_draws_its_own_numbers(one: tuple[int, Stream, int], other: Any) -> None:
    assert (one == other) == (generator(*one).random() == generator(*other).random())


def test_a_draw_has_a_position() -> None:
    """numpy pads with zeros, so one without would be that of position 0."""
    with pytest.raises(TypeError, match="position"):
        generator(1, Stream.NOISE)  # pyright: ignore[reportCallIssue]


@given(first=st.integers(0, 2000), count=st.integers(1, 700), cut=st.integers(0, 700))
def test_a_stretch_is_the_same_however_it_is_cut(first: int, count: int, cut: int) -> None:
    def blocks() -> Blocks:
        return Blocks(0, Stream.TIMESTEP, lambda rng, size: rng.integers(0, 1000, size))

    cut = min(cut, count - 1)
    whole = blocks().take(first, count)
    parts = [blocks().take(first, cut)] if cut else []
    np.testing.assert_array_equal(np.concatenate([*parts, blocks().take(first + cut, count - cut)]), whole)
