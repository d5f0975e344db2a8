"""A folder of images as people have them."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import features

from nevoa.data import load_images
from nevoa.data.find import find_source
from nevoa.errors import NevoaError
from tests.data.pictures import encoded, photo


def test_sub_folders_are_labels(folder: Path) -> None:
    images = load_images(folder)
    assert images.classes == ("cat", "dog", "newt")
    assert images.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert images.images.shape == (12, 30, 40, 3)
    np.testing.assert_array_equal(images.images[1], np.asarray(photo(3)))


def test_links_that_lead_to_themselves(folder: Path) -> None:
    (folder / "cat" / "loop").symlink_to("loop")
    (folder / "cat" / "loop.png").symlink_to("loop.png")
    images = load_images(folder)
    assert len(images) == 12
    assert sorted(bad.name for bad in images.notes.bad) == ["cat/loop", "cat/loop.png"]


def test_a_file_that_may_be_read_at_last_is_read(folder: Path) -> None:
    before = find_source(str(folder)).identity
    (folder / "cat/00.png").chmod(0o600)
    assert find_source(str(folder)).identity != before


def test_a_stray_parquet_file_is_no_source(folder: Path) -> None:
    (folder / "cat" / "metadata.parquet").write_bytes(b"x")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "y.parquet").write_bytes(b"x")
    assert len(load_images(folder)) == 12


def test_a_folder_around_the_sub_folders_does_not_matter(folder: Path, tmp_path: Path) -> None:
    assert load_images(tmp_path).fingerprint == load_images(folder).fingerprint


@pytest.mark.parametrize("name", ["a.heic", "b.HEIF", "d.jxl", *([] if features.check("avif") else ["c.avif"])])
def test_photographs_that_are_not_opened_are_listed(name: str, folder: Path) -> None:
    (folder / "cat" / name).write_bytes(b"\0\0\0\x20ftyp")
    assert [(bad.name, bad.reason.split()[:4]) for bad in load_images(folder).notes.bad] == [
        (f"cat/{name}", ["nevoa", "does", "not", "open"])
    ]


def test_a_jpeg_is_one_whatever_it_is_called(folder: Path) -> None:
    (folder / "cat" / "a.heic").write_bytes(encoded(photo(50), "JPEG"))
    assert len(load_images(folder)) == 13


def test_files_that_changed_places_are_read_again(folder: Path) -> None:
    """Of one size and one time, as archives leave them."""
    cat, dog = folder / "cat" / "x.bmp", folder / "dog" / "x.bmp"
    for number, path in enumerate((cat, dog)):
        path.write_bytes(encoded(photo(number), "BMP"))
        os.utime(path, (1, 1))
    before = load_images(folder)
    other = folder / "y.bmp"
    cat.rename(other)
    dog.rename(cat)
    other.rename(dog)
    assert load_images(folder).fingerprint != before.fingerprint


def test_every_bad_file_is_listed_and_the_rest_is_used(folder: Path) -> None:
    good = encoded(photo(50), "JPEG")
    bad = {
        "cat/empty.png": b"",
        "cat/text.jpg": b"no picture",
        "cat/cut.jpg": good[: len(good) // 2],
        "dog/page.webp": b"<html>",
    }
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    (folder / "cat" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "cat" / "nowhere.png").symlink_to(folder / "gone.png")
    (folder / "cat" / "folder.png").mkdir()
    os.mkfifo(folder / "cat" / "pipe.gif")
    for name in ("cat/.hidden.png", "cat/Thumbs.db", "cat/.DS_Store", "__MACOSX/x.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(good)
    (folder / "notes.txt").write_text("not a picture, and does not claim to be")
    (folder / "dog" / "camera").write_bytes(good)  # a picture without a suffix is one
    images = load_images(folder, size=(30, 40))
    assert len(images) == 13
    reasons = {one.name: one.reason for one in images.notes.bad}
    assert "truncated" in reasons.pop("cat/cut.jpg").lower()
    assert reasons == {
        "cat/empty.png": "it is empty",
        "cat/text.jpg": "it is not an image of a known format",
        "dog/page.webp": "it is not an image of a known format",
        "cat/nowhere.png": "it is not a regular file, or a broken link",
        "cat/pipe.gif": "it is not a regular file, or a broken link",
    }
    assert images.notes.ignored == 1
    assert images.classes == ("cat", "dog", "newt")


def test_the_same_file_twice_is_counted(folder: Path) -> None:
    (folder / "cat" / "copy.png").write_bytes((folder / "dog/01.png").read_bytes())
    assert load_images(folder).notes.duplicates == 1


@pytest.mark.parametrize("content", [[], ["readme.txt"]])
def test_a_folder_without_pictures(tmp_path: Path, content: list[str]) -> None:
    for name in content:
        (tmp_path / name).write_text("x")
    with pytest.raises(NevoaError, match="There are no images in"):
        load_images(tmp_path)


def test_a_folder_of_nothing_but_bad_ones(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(NevoaError, match=r"the first unusable file is a.png: it is not an image"):
        load_images(tmp_path)
    assert not list(Path(os.environ["NEVOA_CACHE"]).glob("*/images.npy"))


def test_one_picture_is_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(photo(), "PNG"))
    assert load_images(tmp_path).images.shape == (1, 30, 40, 3)


def test_a_changed_folder_is_read_again(folder: Path) -> None:
    before = load_images(folder)
    (folder / "cat" / "00.png").write_bytes(encoded(photo(77), "PNG"))
    after = load_images(folder)
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.images[0], np.asarray(photo(77)))
