"""Archives of images, good and evil."""

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from nevoa.data import load_images
from nevoa.errors import NevoaError
from tests.data.pictures import PICTURES, kinds


def test_a_member_that_would_fill_the_memory_is_left_out(folder: Path, tmp_path: Path) -> None:
    """Of bzip2 and LZMA zipfile unpacks all that there is, whatever size was asked for."""
    for number, kind in enumerate((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w", kind) as out:
            out.write(folder / "cat/00.png", "a.png")
            out.writestr(zipfile.ZipInfo("b.png"), (folder / "cat/00.png").read_bytes())
        images = load_images(path)
        assert len(images) == 1
        assert "only stored and deflated" in images.notes.bad[0].reason


def test_names_of_any_bytes_in_a_tar(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as out:
        for name in (b"caf\xe9/1.png", b"b/2.png"):
            out.add(folder / "cat/00.png", os.fsdecode(name))
    assert load_images(path).classes == ("b", r"caf\xe9")


def test_a_zip_of_windows_has_folders(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as out:
        for file in sorted(folder.rglob("*.png")):
            member = zipfile.ZipInfo("x")
            member.filename = str(file.relative_to(folder.parent)).replace("/", "\\")
            out.writestr(member, file.read_bytes())
        out.writestr("pets\\empty\\", b"")
    assert load_images(path).fingerprint == load_images(folder).fingerprint
    assert load_images(path).notes.ignored == 0


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
    assert load_images(path).fingerprint == load_images(folder).fingerprint


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
    images = load_images(path)
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
    images = load_images(path)
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
        assert len(load_images(path)) == 1
    else:
        with pytest.raises(NevoaError, match="a name in it is too long"):
            load_images(path)


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
        load_images(path)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x05\x06"])
def test_a_broken_archive_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NevoaError, match=r"as an archive|no images"):
        load_images(tmp_path / name)


def test_a_member_that_is_damaged_is_listed(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as out:
        for file in sorted(folder.rglob("*.png")):
            out.write(file, file.relative_to(folder.parent))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    images = load_images(path)
    assert len(images) == 11
    assert "CRC" in images.notes.bad[0].reason


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
