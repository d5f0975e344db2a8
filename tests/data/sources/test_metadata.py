"""Tables that name the classes."""

import json
from pathlib import Path

import numpy as np
import pytest

from nevoa.data import load_images
from nevoa.errors import NevoaError
from tests.data.pictures import PICTURES, kinds, written


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


@pytest.mark.parametrize("kind", ["metadata.csv", "metadata.jsonl"])
def test_metadata_are_read_as_datasets_reads_them(folder: Path, kind: str) -> None:
    """The same folder by `datasets`' own imagefolder: same images, same labels."""
    rows = [("cat/00.png", "night"), ("dog/01.png", "day"), ("newt/02.png", "night")]
    lines = ["file_name,label", *(f"{name},{label}" for name, label in rows)]
    if kind.endswith("jsonl"):
        lines = [json.dumps({"file_name": name, "label": label}) for name, label in rows]
    (folder / kind).write_text("\n".join(lines) + "\n")
    images = load_images(folder)
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
    images = load_images(folder)
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
    images = load_images(folder)
    assert [images.classes[label] for label in images.labels] == ["night, dark", "day"]


def test_whole_numbers_in_a_table_are_whole(folder: Path) -> None:
    rows = [{"file_name": f"cat/{number:02d}.png", "label": float(number)} for number in (0, 3, 9)]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert load_images(folder).classes == ("0", "3", "9")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file_name,label\ncat/00.png,x\ncat/99.png,y\ncat/3.png,y\n", "2 of the 3 images that it names are missing"),
    ],
)
def test_a_table_that_does_not_fit_is_listed(table: str, said: str, folder: Path) -> None:
    (folder / "metadata.csv").write_text(table)
    assert said in {bad.name: bad.reason for bad in load_images(folder).notes.bad}["metadata.csv"]


def test_a_table_of_captions_is_nothing_bad(folder: Path) -> None:
    (folder / "metadata.csv").write_text("file_name,text\ncat/00.png,a cat\n")
    assert load_images(folder).classes == ("cat", "dog", "newt")
    assert load_images(folder).notes.bad == ()


def test_the_line_of_a_broken_table_is_said(folder: Path) -> None:
    (folder / "metadata.jsonl").write_text('{"file_name": "cat/00.png"}\n{"file_name"\n')
    with pytest.raises(NevoaError, match=r"metadata.jsonl as a table: line 2: Expecting"):
        load_images(folder)


@pytest.mark.parametrize(
    ("name", "table", "columns"),
    [
        ("metadata.csv", "image,label\ncat/00.png,x\n", "image, label"),
        ("metadata.csv", "image\tlabel\ncat/00.png\tx\n", "image, label"),
        ("metadata.csv", "\x1b[31mfile,label\ncat/00.png,x\n", r"\\x1b\[31mfile, label"),
        ("metadata.jsonl", '{"path": "cat/00.png", "label": "x"}\n', "path, label"),
        ("metadata.jsonl", "{}\n", "none"),
    ],
)
def test_a_table_without_file_names_is_refused(name: str, table: str, columns: str, folder: Path) -> None:
    """It would otherwise be ignored, and the folders taken for classes. Adding the column it asks for is enough."""
    (folder / name).write_text(table)
    with pytest.raises(NevoaError, match=rf"pets/{name} needs a column file_name, and has {columns}: begin it with"):
        load_images(folder)
    (folder / name).unlink()
    (folder / "metadata.csv").write_text("file_name,label\ncat/00.png,x\ndog/01.png,y\n")
    assert load_images(folder).classes == ("x", "y")
