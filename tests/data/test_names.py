"""Names of files and classes: in other alphabets, by other systems, and to do harm."""

import os
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nevoa.data import label_of, load_images
from nevoa.data.names import names_of
from tests.data.pictures import PICTURES, encoded, kinds, photo, written

APART = unicodedata.normalize("NFD", "été")


def test_letters_with_accents_are_one_whoever_wrote_them(tmp_path: Path) -> None:
    by_table = written(
        tmp_path / "a",
        {f"{APART}.png": PICTURES[0], "b.png": PICTURES[1], "metadata.csv": "file_name,label\nété.png,x\nb.png,y\n"},
    )
    assert sorted(kinds(by_table)) == ["x", "y"]
    files: dict[str, bytes | str] = {f"train/{APART}/1.png": PICTURES[0], "train/mer/1.png": PICTURES[1]}
    assert written(tmp_path / "b", {**files, "test/été/1.png": PICTURES[2]}).classes == ("mer", "été")
    assert kinds(load_images(str(tmp_path / "b"), split="test")) == ["été"]
    assert label_of(("mer", "été"), APART) == 1


def test_a_name_commands_no_terminal(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("a\x1b[31mred/1.png", PICTURES[0])
        out.writestr("b/\x1b]0;x\x07.png", b"not an image")
        out.writestr("b/1.png", PICTURES[1])
    images = load_images(str(tmp_path / "a.zip"))
    assert images.classes == ("a\\x1b[31mred", "b")
    assert [bad.name for bad in images.notes.bad] == ["b/\\x1b]0;x\\x07.png"]
    np.savez(tmp_path / "b.npz", images=np.zeros((2, 4, 4), np.uint8), labels=np.array(["\x1b[31m", "b"]))
    assert load_images(str(tmp_path / "b.npz")).classes == ("\\x1b[31m", "b")


def test_names_do_not_command_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a\x1b]0;x\x07\n\x9b.png").write_bytes(b"bad")
    (tmp_path / "caf\u00e9 \u202f1.png").write_bytes(encoded(photo(), "PNG"))
    assert load_images(tmp_path).notes.bad[0].name == r"a\x1b]0;x\x07\x0a\x9b.png"


def test_names_of_any_bytes(tmp_path: Path) -> None:
    for number, name in enumerate(
        [b"caf\xe9.png", "日本.png".encode(), b"new\nline.png", b" .png", b"a" * 200 + b".png"]
    ):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(encoded(photo(number), "PNG"))
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"bad")
    images = load_images(tmp_path)
    assert len(images) == 5
    assert images.notes.bad[0].name == r"\xff.png"


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ([], []),
        (["cat,dog"], ["cat", "dog"]),
        (["cat", "dog, cow"], ["cat", "dog", "cow"]),
        ([" cat , 3"], ["cat", "3"]),
        (['"tench, Tinca tinca",cat'], ["tench, Tinca tinca", "cat"]),
        ([""], [""]),
        (["cat\ndog"], ["cat dog"]),
    ],
)
def test_names_are_separated_by_commas_or_given_one_by_one(texts: list[str], names: list[str]) -> None:
    assert names_of(texts) == names


def test_one_text_is_split_as_a_list_of_one() -> None:
    assert names_of("cat, dog") == names_of(["cat, dog"]) == ["cat", "dog"]


@pytest.mark.parametrize("texts", [["cat\r,dog"], ["cat\r\n,dog"], ['"cat', "dog"]])
def test_names_may_have_been_pasted_from_a_table(texts: list[str]) -> None:
    assert names_of(texts) == ["cat", "dog"]
