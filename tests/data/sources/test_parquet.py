"""Parquet files."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from nevoa.data import load_images
from nevoa.errors import NevoaError
from tests.data.pictures import encoded, photo

datasets = pytest.importorskip("datasets")


def _classes(names: tuple[str, ...] | list[str]) -> Any:
    return datasets.ClassLabel(names=list(names))


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of copies in place of the Hub."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    return tmp_path


def test_a_row_without_an_image_is_left_out(copies: Path) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": _classes(["a", "b"])})
    cells = [{"bytes": encoded(photo(number), "PNG"), "path": None} for number in range(3)]
    cells[1] = {"bytes": b"no picture", "path": None}
    rows = datasets.Dataset.from_dict({"image": [*cells, None], "label": [0, 1, 1, 0]}, features=features)
    target = copies / "some.parquet"
    rows.to_parquet(target)
    images = load_images(str(target))
    assert images.labels.tolist() == [0, 1]
    assert [(bad.name, bad.reason) for bad in images.notes.bad] == [
        ("row 1", "it is not an image of a known format"),
        ("row 3", "there is no image in this row"),
    ]


def test_of_columns_of_bytes_the_images_are_found(copies: Path) -> None:
    columns = {"id": [b"0", b"1"], "thumb_image": [encoded(photo(number), "PNG") for number in range(2)]}
    datasets.Dataset.from_dict(columns).to_parquet(copies / "some.parquet")
    assert len(load_images(str(copies / "some.parquet"))) == 2


def test_a_row_may_not_name_a_file_of_this_machine(copies: Path) -> None:
    (copies / "mine.png").write_bytes(encoded(photo(), "PNG"))
    cells = [{"bytes": None, "path": path} for path in (str(copies / "mine.png"), "/dev/zero", "mine.png")]
    cells.append({"bytes": encoded(photo(1), "PNG"), "path": "/dev/zero"})
    pyarrow.parquet.write_table(pyarrow.table({"image": cells}), copies / "x.parquet")
    images = load_images(str(copies / "x.parquet"))
    assert len(images) == 1
    assert {bad.reason for bad in images.notes.bad} == {"there is no image in this row"}


def test_a_class_that_is_not_known_leaves_all_without(copies: Path) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": _classes(["a", "b"])})
    cells = [{"bytes": encoded(photo(number), "PNG"), "path": None} for number in range(2)]
    datasets.Dataset.from_dict({"image": cells, "label": [1, None]}, features=features).to_parquet(copies / "x.parquet")
    assert load_images(str(copies / "x.parquet")).classes == ()


def test_parquet_files_of_splits(copies: Path) -> None:
    (copies / "rows" / "data").mkdir(parents=True)
    for name, number in (("train-00000", 1), ("test-00000", 2), ("latest-0", 3)):
        columns = {"image": [encoded(photo(number), "PNG")]}
        datasets.Dataset.from_dict(columns).to_parquet(copies / "rows" / "data" / f"{name}.parquet")
    for split, number in (("train", 1), ("test", 2), ("eval", 2)):
        images = load_images(str(copies / "rows"), split=split)
        np.testing.assert_array_equal(images.images, np.asarray(photo(number))[None])
    # The name of a file says more than the folder's, and a few pictures beside it do not matter.
    Image.new("L", (4, 4)).save(copies / "rows" / "logo.png")
    (copies / "rows" / "training" / "train_test_split").mkdir(parents=True)
    (copies / "rows" / "data").rename(copies / "rows" / "training" / "train_test_split" / "data")
    assert len(load_images(str(copies / "rows"))) == 2  # the latest, too, is in a folder of training
    assert len(load_images(str(copies / "rows"), split="test")) == 1
    with pytest.raises(NevoaError, match="no split 'validation': choose"):
        load_images(str(copies / "rows"), split="validation")


@pytest.mark.parametrize(
    "label", ["text", "number", "fraction", "blank", "lists", "one unknown", "two unknown", "none"]
)
def test_parquet_with_other_columns(copies: Path, label: str) -> None:
    columns: dict[str, list[Any]] = {"png": [encoded(photo(number), "PNG") for number in range(3)]}
    columns |= {
        "text": {"label": ["b", "a", "b"]},
        "number": {"class": [10, 9, 10]},
        "fraction": {"label": [2.0, float("nan"), 10.0]},
        "blank": {"label": ["a", " ", "b"]},
        "lists": {"label": [["a"], ["b"], ["a"]]},
        "one unknown": {"label": ["a", None, "b"]},
        "two unknown": {"label": ["a", None, None]},
        "none": {"caption": ["a", "b", "c"]},
    }[label]
    (copies / "rows").mkdir()
    datasets.Dataset.from_dict(columns).to_parquet(copies / "rows" / "train.parquet")
    images = load_images(str(copies / "rows"))
    two = {"text": ("a", "b"), "number": ("9", "10"), "fraction": ("2", "10")}
    two |= dict.fromkeys(("blank", "one unknown"), ("a", "b"))
    assert images.classes == two.get(label, ())
    labels = {"text": [1, 0, 1], "number": [1, 0, 1]}
    without_one = label in ("fraction", "blank", "one unknown")
    assert images.labels.tolist() == ([0, 1] if without_one else labels.get(label, [0, 0, 0]))
    assert [bad.name for bad in images.notes.bad] == ["row 1"] * without_one
    np.testing.assert_array_equal(images.images[-1], np.asarray(photo(2)))


def test_parquet_without_images_or_damaged(copies: Path) -> None:
    datasets.Dataset.from_dict({"x": [1, 2]}).to_parquet(copies / "x.parquet")
    with pytest.raises(NevoaError, match="has no column of images; its columns are x"):
        load_images(str(copies / "x.parquet"))
    (copies / "rows").mkdir()
    datasets.Dataset.from_dict({"image": [encoded(photo(), "PNG")]}).to_parquet(copies / "rows" / "a.parquet")
    (copies / "rows" / "._a.parquet").write_bytes(b"what macOS leaves beside it")
    assert len(load_images(str(copies / "rows"))) == 1
    (copies / "y.parquet").write_bytes(b"PAR1 rubbish PAR1")
    with pytest.raises(NevoaError, match=r"Cannot read .* as Parquet"):
        load_images(str(copies / "y.parquet"))
