"""A folder of images as people have them."""

import json
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nevoa.data import ImageSet, load_images
from nevoa.data.listing import classes_of
from nevoa.data.sources.find import find_source
from nevoa.errors import NevoaError
from tests.data.pictures import encoded, photo


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images in three classes."""
    for number in range(12):
        place = tmp_path / "pets" / ("cat", "dog", "newt")[number % 3] / f"{number:02d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encoded(photo(number), "PNG"))
    return tmp_path / "pets"


def opened(folder: Path, **choice: object) -> ImageSet:
    return load_images(str(folder), **choice)  # pyright: ignore[reportArgumentType]


def test_sub_folders_are_labels(folder: Path) -> None:
    images = opened(folder)
    assert images.classes == ("cat", "dog", "newt")
    assert images.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert images.images.shape == (12, 30, 40, 3)
    np.testing.assert_array_equal(images.images[1], np.asarray(photo(3)))


@pytest.mark.parametrize("where", ["one sub-folder", "none", "one beside", "most beside two"])
def test_without_two_sub_folders_there_are_no_labels(tmp_path: Path, where: str) -> None:
    for number in range(4):
        beside = "." if number == 0 else "all"
        two = "." if number < 2 else ("a", "b")[number % 2]
        inner = {"one sub-folder": "all", "none": ".", "one beside": beside, "most beside two": two}[where]
        place = tmp_path / inner / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(encoded(photo(number), "PNG"))
    images = opened(tmp_path)
    assert images.classes == ()
    assert images.labels.tolist() == [0] * 4


def test_a_picture_beside_the_classes_is_left_out(folder: Path) -> None:
    (folder / "cover.png").write_bytes(encoded(photo(50), "PNG"))
    images = opened(folder)
    assert (len(images), images.classes) == (12, ("cat", "dog", "newt"))
    assert [bad.name for bad in images.notes.bad] == ["cover.png"]


def test_a_class_has_one_number_in_all_splits(folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "train")
    for name in ("newt/x.png", "yak/y.png"):
        (tmp_path / "test" / name).parent.mkdir(parents=True)
        (tmp_path / "test" / name).write_bytes(encoded(photo(99), "PNG"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "z.png").write_bytes(encoded(photo(98), "PNG"))
    train, test = opened(tmp_path), opened(tmp_path, split="test")
    assert train.classes == test.classes == ("cat", "dog", "newt", "yak")
    assert test.labels.tolist() == [2, 3]
    assert [bad.reason for bad in train.notes.bad] == ["it is in none of the folders of splits"]


def test_links_that_lead_to_themselves(folder: Path) -> None:
    (folder / "cat" / "loop").symlink_to("loop")
    (folder / "cat" / "loop.png").symlink_to("loop.png")
    images = opened(folder)
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
    assert len(opened(folder)) == 12


def test_a_member_that_would_fill_the_memory_is_left_out(folder: Path, tmp_path: Path) -> None:
    """Of bzip2 and LZMA zipfile unpacks all that there is, whatever size was asked for."""
    for number, kind in enumerate((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w", kind) as out:
            out.write(folder / "cat/00.png", "a.png")
            out.writestr(zipfile.ZipInfo("b.png"), (folder / "cat/00.png").read_bytes())
        images = opened(path)
        assert len(images) == 1
        assert "only stored and deflated" in images.notes.bad[0].reason


def test_names_of_any_bytes_in_a_tar(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as out:
        for name in (b"caf\xe9/1.png", b"b/2.png"):
            out.add(folder / "cat/00.png", os.fsdecode(name))
    assert opened(path).classes == ("b", r"caf\xe9")


@pytest.mark.parametrize("text", ["~nosuchuser/x", "x" * 300 + "/a"])
def test_what_cannot_be_a_path_is_said(text: str) -> None:
    with pytest.raises(NevoaError, match="Cannot read"):
        find_source(text)


@pytest.mark.parametrize("split", ["/x", "**", "", "../.."])
def test_no_such_split(split: str, folder: Path) -> None:
    with pytest.raises(NevoaError, match="no split"):
        opened(folder, split=split)


def test_a_folder_around_the_sub_folders_does_not_matter(folder: Path, tmp_path: Path) -> None:
    assert opened(tmp_path).fingerprint == opened(folder).fingerprint


@pytest.mark.parametrize("kind", ["metadata.csv", "metadata.jsonl"])
def test_metadata_are_read_as_datasets_reads_them(folder: Path, kind: str) -> None:
    """The same folder by `datasets`' own imagefolder: same images, same labels."""
    rows = [("cat/00.png", "night"), ("dog/01.png", "day"), ("newt/02.png", "night")]
    lines = ["file_name,label", *(f"{name},{label}" for name, label in rows)]
    if kind.endswith("jsonl"):
        lines = [json.dumps({"file_name": name, "label": label}) for name, label in rows]
    (folder / kind).write_text("\n".join(lines) + "\n")
    images = opened(folder)
    assert [images.classes[label] for label in images.labels] == ["night", "day", "night"]
    datasets = pytest.importorskip("datasets")
    theirs = datasets.load_dataset("imagefolder", data_dir=str(folder), split="train", cache_dir=folder.parent / "hf")
    by_pixels = {np.asarray(row["image"]).tobytes(): row["label"] for row in theirs if row["label"]}
    assert {
        image.tobytes(): images.classes[label] for image, label in zip(images.images, images.labels, strict=True)
    } == (by_pixels)


@pytest.mark.parametrize(
    "table",
    [
        "file_name,label\n00.png\n,,\ncat/00.png,a,b,c\ncat/03.png,z",
        '"',
        "file_name,label\n\n\n",
    ],
)
def test_a_table_that_is_out_of_shape(table: str, folder: Path) -> None:
    (folder / "metadata.csv").write_text(table)
    images = opened(folder)
    assert images.classes == (("a", "z") if "cat/03" in table else ("cat", "dog", "newt"))


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("metadata.csv", "file_name;label\ncat/00.png;night, dark\ndog/01.png;day\n"),
        ("metadata.csv", 'file_name,label\n ./cat/00.png ,"night, dark"\ndog\\01.png, day \n'),
        ("metadata.csv", "label\tfile_name\r\nnight, dark\tcat/00.png\r\nday\tdog/01.png\r\n"),
        (
            "metadata.jsonl",
            '{"file_name": "cat/00.png", "label": "night, dark", "say": "a\u2028b"}\n\n'
            '{"file_name": "dog/01.png", "label": "day"}\n{"file_name": "cat/03.png", "label": NaN}\n',
        ),
    ],
)
def test_tables_as_people_write_them(name: str, table: str, folder: Path) -> None:
    (folder / name).write_text(table)
    images = opened(folder)
    assert [images.classes[label] for label in images.labels] == ["night, dark", "day"]


def test_whole_numbers_in_a_table_are_whole(folder: Path) -> None:
    rows = [{"file_name": f"cat/{number:02d}.png", "label": float(number)} for number in (0, 3, 9)]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert opened(folder).classes == ("0", "3", "9")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file_name,label\ncat/00.png,x\ncat/99.png,y\ncat/3.png,y\n", "2 of the 3 images that it names are missing"),
    ],
)
def test_a_table_that_does_not_fit_is_listed(table: str, said: str, folder: Path) -> None:
    (folder / "metadata.csv").write_text(table)
    assert said in {bad.name: bad.reason for bad in opened(folder).notes.bad}["metadata.csv"]


def test_a_table_of_captions_is_nothing_bad(folder: Path) -> None:
    (folder / "metadata.csv").write_text("file_name,text\ncat/00.png,a cat\n")
    assert opened(folder).classes == ("cat", "dog", "newt")
    assert opened(folder).notes.bad == ()


def test_the_line_of_a_broken_table_is_said(folder: Path) -> None:
    (folder / "metadata.jsonl").write_text('{"file_name": "cat/00.png"}\n{"file_name"\n')
    with pytest.raises(NevoaError, match=r"metadata.jsonl cannot be read as a table: line 2: Expecting"):
        opened(folder)


def test_captions_are_no_classes(folder: Path) -> None:
    names = [str(number) for number in range(1_400)]
    assert classes_of(names) == ()
    assert len(classes_of(names + names + names[:1])) == 1_400
    assert classes_of(names[:900]) == tuple(names[:900])


@pytest.mark.parametrize("name", ["a.heic", "b.HEIF", "c.avif", "d.jxl"])
def test_photographs_that_are_not_opened_are_listed(name: str, folder: Path) -> None:
    (folder / "cat" / name).write_bytes(b"\0\0\0\x20ftyp")
    assert [(bad.name, bad.reason.split()[:4]) for bad in opened(folder).notes.bad] == [
        (f"cat/{name}", ["nevoa", "does", "not", "open"])
    ]


def test_a_jpeg_is_one_whatever_it_is_called(folder: Path) -> None:
    (folder / "cat" / "a.heic").write_bytes(encoded(photo(50), "JPEG"))
    assert len(opened(folder)) == 13


def test_files_that_changed_places_are_read_again(folder: Path) -> None:
    """Of one size and one time, as archives leave them."""
    cat, dog = folder / "cat" / "x.bmp", folder / "dog" / "x.bmp"
    for number, path in enumerate((cat, dog)):
        path.write_bytes(encoded(photo(number), "BMP"))
        os.utime(path, (1, 1))
    before = opened(folder)
    other = folder / "y.bmp"
    cat.rename(other)
    dog.rename(cat)
    other.rename(dog)
    assert opened(folder).fingerprint != before.fingerprint


def test_a_zip_of_windows_has_folders(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as out:
        for file in sorted(folder.rglob("*.png")):
            member = zipfile.ZipInfo("x")
            member.filename = str(file.relative_to(folder.parent)).replace("/", "\\")
            out.writestr(member, file.read_bytes())
        out.writestr("pets\\empty\\", b"")
    assert opened(path).fingerprint == opened(folder).fingerprint
    assert opened(path).notes.ignored == 0


def test_names_do_not_command_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a\x1b]0;x\x07\n\x9b.png").write_bytes(b"bad")
    (tmp_path / "caf\u00e9 \u202f1.png").write_bytes(encoded(photo(), "PNG"))
    assert opened(tmp_path).notes.bad[0].name == r"a\x1b]0;x\x07\x0a\x9b.png"


def test_train_and_test_folders_are_splits(folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "train")
    other = tmp_path / "test" / "cat" / "x.png"
    other.parent.mkdir(parents=True)
    other.write_bytes(encoded(photo(99), "PNG"))
    assert len(opened(tmp_path)) == 12
    assert opened(tmp_path).classes == ("cat", "dog", "newt")
    np.testing.assert_array_equal(opened(tmp_path, split="test").images[0], np.asarray(photo(99)))
    with pytest.raises(NevoaError, match="no split 'validation'; there are test, train"):
        opened(tmp_path, split="validation")


def test_a_class_may_be_called_as_a_split_is(folder: Path) -> None:
    (folder / "newt").rename(folder / "dev")
    assert opened(folder).classes == ("cat", "dev", "dog")
    (folder / "cat").rename(folder / "train")  # beside train it is one
    assert len(opened(folder)) == len(opened(folder, split="validation")) == 4


def test_a_cache_that_cannot_be_written_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("x")
    monkeypatch.setenv("NEVOA_CACHE", str(folder / "file" / "cache"))
    with pytest.raises(NevoaError, match="Cannot write"):
        opened(folder)


def test_a_folder_without_splits_has_none(folder: Path) -> None:
    with pytest.raises(NevoaError, match="put its images into a folder test"):
        opened(folder, split="test")


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
    images = opened(folder, size=(30, 40))
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


def test_names_of_any_bytes(tmp_path: Path) -> None:
    for number, name in enumerate(
        [b"caf\xe9.png", "日本.png".encode(), b"new\nline.png", b" .png", b"a" * 200 + b".png"]
    ):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(encoded(photo(number), "PNG"))
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"bad")
    images = opened(tmp_path)
    assert len(images) == 5
    assert images.notes.bad[0].name == r"\xff.png"


def test_the_same_file_twice_is_counted(folder: Path) -> None:
    (folder / "cat" / "copy.png").write_bytes((folder / "dog/01.png").read_bytes())
    assert opened(folder).notes.duplicates == 1


@pytest.mark.parametrize("content", [[], ["readme.txt"]])
def test_a_folder_without_pictures(tmp_path: Path, content: list[str]) -> None:
    for name in content:
        (tmp_path / name).write_text("x")
    with pytest.raises(NevoaError, match="There are no images in"):
        opened(tmp_path)


def test_a_folder_of_nothing_but_bad_ones(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(NevoaError, match=r"can be read; the first, a.png: it is not an image"):
        opened(tmp_path)
    assert not list(Path(os.environ["NEVOA_CACHE"]).glob("*/images.npy"))


def test_one_picture_is_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(photo(), "PNG"))
    assert opened(tmp_path).images.shape == (1, 30, 40, 3)


def test_pictures_of_many_sizes_and_modes_become_alike(tmp_path: Path) -> None:
    for number, (size, mode) in enumerate([((40, 30), "RGB"), ((10, 90), "L"), ((64, 64), "RGBA"), ((7, 7), "P")]):
        (tmp_path / f"{number}.png").write_bytes(encoded(photo(number, size, mode), "PNG"))
    assert opened(tmp_path).images.shape == (4, 64, 64, 3)
    assert opened(tmp_path, size=(16, 24), channels=1).images.shape == (4, 16, 24, 1)


def test_gray_pictures_have_one_channel(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encoded(photo(number, mode="L"), "PNG"))
    assert opened(tmp_path).images.shape == (3, 30, 40, 1)
    assert opened(tmp_path, channels=3).images.shape == (3, 30, 40, 3)


def test_large_pictures_of_one_size_are_made_small(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(encoded(photo(number, (400, 300)), "PNG"))
    assert opened(tmp_path).shape == (3, 64, 64)


def test_a_large_photograph_keeps_its_size_in_the_notes(tmp_path: Path) -> None:
    """Although it is unpacked smaller; lying or upright, as it is seen."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "1.jpg").write_bytes(encoded(photo(1, (640, 480)), "JPEG", exif=exif.tobytes()))
    images = opened(tmp_path, size=(16, 16))
    assert images.images.shape == (1, 16, 16, 3)
    assert images.notes.sizes == ((640, 480), (640, 480))


def test_a_changed_folder_is_read_again(folder: Path) -> None:
    before = opened(folder)
    (folder / "cat" / "00.png").write_bytes(encoded(photo(77), "PNG"))
    after = opened(folder)
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.images[0], np.asarray(photo(77)))


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"])
def test_an_archive_is_the_folder_in_it(folder: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"pets.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as out:
            for file in sorted(folder.rglob("*.png")):
                out.write(file, file.relative_to(folder.parent))
    else:
        mode: Any = f"w:{kind.removeprefix('tar').removeprefix('.').replace('tgz', 'gz')}"
        with tarfile.open(path, mode) as out:
            out.add(folder, "pets")
    assert opened(path).fingerprint == opened(folder).fingerprint


def test_an_archive_unpacks_nothing_and_leads_nowhere(folder: Path, tmp_path: Path) -> None:
    path, picture = tmp_path / "evil.zip", (folder / "cat/00.png").read_bytes()
    link = zipfile.ZipInfo("cat/link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("cat/a.png", picture)
        for name in ("../../out.png", "/etc/out.png", "cat/../../out.png", "..\\out.png"):
            out.writestr(name, picture)
        out.writestr(link, "/etc/passwd")
    before = sorted(tmp_path.rglob("*"))
    images = opened(path)
    assert len(images) == 1
    assert len(images.notes.bad) == 5
    assert "it is a link" in {bad.reason for bad in images.notes.bad}
    assert sorted(tmp_path.rglob("*")) == before


def test_a_tar_of_links_and_devices(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as out:
        out.add(folder / "cat/00.png", "a.png")
        for name, kind, target in (("b.png", tarfile.SYMTYPE, "/etc/passwd"), ("c.png", tarfile.LNKTYPE, "a.png")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            out.addfile(member)
        device = tarfile.TarInfo("d.png")
        device.type = tarfile.CHRTYPE
        out.addfile(device)
        out.add(folder / "cat/00.png", "../e.png")
    images = opened(path)
    assert len(images) == 1
    assert [bad.name for bad in images.notes.bad] == ["b.png", "c.png", "d.png", "../e.png"]


@pytest.mark.parametrize(("form", "key"), [(tarfile.PAX_FORMAT, "comment"), (tarfile.GNU_FORMAT, None)])
@pytest.mark.parametrize("length", [4_000, 1_100_000])
def test_a_name_that_fills_the_memory_is_not_read(
    folder: Path, tmp_path: Path, form: int, key: str | None, length: int
) -> None:
    path, long = tmp_path / "a.tar", "x" * length
    with tarfile.open(path, "w", format=form, pax_headers={key: long} if key else None) as out:
        out.add(folder / "cat/00.png", "a.png" if key else f"{long}.png")
    if length < 5_000:
        assert len(opened(path)) == 1
    else:
        with pytest.raises(NevoaError, match="a name in it is too long"):
            opened(path)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bomb_is_not_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"bomb.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr("a.png", bytes(50_000_000))
    else:
        (tmp_path / "a.png").write_bytes(bytes(50_000_000))
        with tarfile.open(path, "w:gz") as out:
            out.add(tmp_path / "a.png", "a.png")
    with pytest.raises(NevoaError, match="times its size"):
        opened(path)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x05\x06"])
def test_a_broken_archive_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NevoaError, match=r"cannot be read as an archive|no images"):
        opened(tmp_path / name)


def test_a_member_that_is_damaged_is_listed(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as out:
        for file in sorted(folder.rglob("*.png")):
            out.write(file, file.relative_to(folder.parent))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    images = opened(path)
    assert len(images) == 11
    assert "CRC" in images.notes.bad[0].reason


def test_what_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.doc").write_text("x")
    with pytest.raises(NevoaError, match="is not a source of images: give a folder"):
        find_source(str(tmp_path / "a.doc"))
    with pytest.raises(NevoaError, match="There is no file or folder"):
        find_source(str(tmp_path / "gone"))
