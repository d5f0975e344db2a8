"""Files are whole or not there; draws have no memory."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevoa.errors import NevoaError
from nevoa.files import published, sha256, write_text
from nevoa.random import Blocks, Stream, generator


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


def test_sha256_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty").startswith("e3b0c44298fc1c14")


def test_a_draw_is_a_function_of_seed_stream_and_place() -> None:
    first = generator(1, Stream.NOISE, 5).random(3)
    generator(1, Stream.NOISE, 6).random(100)
    np.testing.assert_array_equal(generator(1, Stream.NOISE, 5).random(3), first)
    for other in (generator(2, Stream.NOISE, 5), generator(1, Stream.FLIP, 5), generator(1, Stream.NOISE, 6)):
        assert (other.random(3) != first).all()


@given(first=st.integers(0, 2000), count=st.integers(1, 700), cut=st.integers(0, 700))
def test_a_stretch_is_the_same_however_it_is_cut(first: int, count: int, cut: int) -> None:
    def blocks() -> Blocks:
        return Blocks(0, Stream.TIMESTEP, lambda rng, size: rng.integers(0, 1000, size))

    cut = min(cut, count - 1)
    whole = blocks().take(first, count)
    parts = [blocks().take(first, cut)] if cut else []
    np.testing.assert_array_equal(np.concatenate([*parts, blocks().take(first + cut, count - cut)]), whole)
