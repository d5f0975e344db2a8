"""What files and classes are called: in other alphabets, by other systems, and to do harm."""

import io
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nevoa.data import ImageSet, label_of, load_images
from tests.data.pictures import encoded, photo

APART = unicodedata.normalize("NFD", "été")
PICTURES = [encoded(photo(number), "PNG") for number in range(4)]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path_factory.mktemp("cache")))


def written(folder: Path, files: dict[str, bytes | str]) -> ImageSet:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_images(str(folder))


def kinds(images: ImageSet) -> list[str]:
    """The class of each image."""
    return [images.classes[label] for label in images.labels.tolist()]


@pytest.mark.parametrize("encoding", ["utf-8", "cp437"])
def test_a_zip_that_does_not_say_that_its_names_are_utf_8(tmp_path: Path, encoding: str) -> None:
    """As Info-ZIP on Linux and macOS's archiver write them; the older code page is read too."""
    name = "été".encode(encoding)
    content, plain = io.BytesIO(), "x" * len(name)
    with zipfile.ZipFile(content, "w") as out:
        out.writestr(f"{plain}/1.png", PICTURES[0])
        out.writestr("mer/2.png", PICTURES[1])
    (tmp_path / "a.zip").write_bytes(content.getvalue().replace(plain.encode(), name))
    assert load_images(str(tmp_path / "a.zip")).classes == ("mer", "été")


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_of_the_folder_it_was_made_in(tmp_path: Path, kind: str) -> None:
    """`tar cf x.tar .` calls files ./1.png, and a table calls them 1.png."""
    table = b"file_name,label\n1.png,cat\n2.png,dog\n"
    members = {"./1.png": PICTURES[0], "./2.png": PICTURES[1], "./metadata.csv": table}
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as out:
            for name, content in members.items():
                out.writestr(name, content)
    else:
        with tarfile.open(path, "w") as out:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                out.addfile(member, io.BytesIO(content))
    images = load_images(str(path))
    assert kinds(images) == ["cat", "dog"]
    assert not images.notes.bad


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


def test_a_table_has_one_column_of_classes(tmp_path: Path) -> None:
    """What has no label is not filled up from another column, and is left out."""
    table = "file_name,category,Label\n0.png,dog,poodle\n1.png,cat,siamese\n2.png,dog,\n3.png,dog,poodle\n"
    files: dict[str, bytes | str] = {f"{number}.png": content for number, content in enumerate(PICTURES)}
    images = written(tmp_path, {**files, "metadata.csv": table})
    assert kinds(images) == ["poodle", "siamese", "poodle"]
    assert [bad.name for bad in images.notes.bad] == ["2.png"]


def test_a_table_of_what_is_to_test_with_leaves_the_folders_to_train_on_their_classes(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "train/cats/0.png": PICTURES[0],
        "train/dogs/1.png": PICTURES[1],
        "test/2.png": PICTURES[2],
        "test/3.png": PICTURES[3],
        "test/metadata.csv": "file_name,label\n2.png,dogs\n3.png,cats\n",
    }
    assert kinds(written(tmp_path, files)) == ["cats", "dogs"]
    assert kinds(load_images(str(tmp_path), split="test")) == ["dogs", "cats"]
