"""The Hub's data sets, by the code that loads them, from copies on this disk that are laid out like each."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from nevoa.data import CATALOG, load_images
from nevoa.data.sources import hub
from nevoa.data.sources.builtin import DIGITS
from nevoa.data.sources.hub import PARQUET, Place, parse_place
from nevoa.errors import NevoaError
from tests.data.pictures import encoded, photo

datasets = pytest.importorskip("datasets")

COUNT = 6
CLOTHES = CATALOG["fashion_mnist"].classes


@dataclass(frozen=True)
class Layout:
    """How a data set lies on the Hub: its columns besides the image, and its splits."""

    features: dict[str, Any]
    splits: tuple[str, ...] = ("train", "test")
    config: str | None = None
    image: str = "image"


def _classes(names: tuple[str, ...] | list[str]) -> Any:
    return datasets.ClassLabel(names=list(names))


TEXT, NUMBER = datasets.Value("string"), datasets.Value("int64")
DRAWINGS = [f"drawing {number}" for number in range(345)]
# Recorded from the pages of the Hub.
LAYOUTS: dict[str, Layout] = {
    "fashion_mnist": Layout({"label": _classes(CLOTHES)}),
    "mnist": Layout({"label": _classes(DIGITS)}),
    "a_mnist": Layout({"label": _classes(DIGITS)}, config="amnist"),
    "cifar10": Layout({"label": _classes(CATALOG["cifar10"].classes)}, image="img"),
    "svhn": Layout({"label": _classes(DIGITS)}, ("train", "test", "extra"), "cropped_digits"),
    "celeba": Layout({"Male": NUMBER, "Smiling": NUMBER, "prompt_string": TEXT}, ("train", "validation", "test")),
    "plants": Layout({"label": _classes(["aloe", "fern"])}, ("train",)),
    "indoor_scenes": Layout(
        {"image_file_path": TEXT, "labels": _classes(["kitchen", "bar"])}, ("train", "validation", "test"), "mini"
    ),
    "quickdraw_small": Layout({"label": _classes(DRAWINGS)}, ("train", "valid", "test")),
    "quickdraw": Layout(
        {"key_id": TEXT, "word": _classes(DRAWINGS), "recognized": datasets.Value("bool"), "countrycode": TEXT},
        ("train",),
        "preprocessed_bitmaps",
    ),
    "milly_images": Layout({"text": TEXT}, ("train",)),
    "rice": Layout({"label": _classes(CATALOG["rice"].classes)}, ("train",)),
    "butterflies": Layout({"label": _classes(["erato_cyrbia", "melpomene_rosina"])}, ("train",)),
    "cat_and_dog": Layout({"labels": _classes(["cat", "dog"])}),
}


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of copies in place of the Hub."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.setattr(hub, "_address", lambda hub_id: str(tmp_path / hub_id))
    return tmp_path


def pictures(name: str, split: str) -> list[Image.Image]:
    row = CATALOG[name]
    mode, (height, width) = "L" if row.channels == 1 else "RGB", row.size or (50, 70)
    start = sum(map(ord, name + split))
    return [photo(start + number, (width, height), mode) for number in range(COUNT)]


def copy(root: Path, name: str) -> None:
    """Lay out a small copy of a data set as the Hub has it."""
    place, layout = CATALOG[name].place, LAYOUTS[name]
    assert place is not None
    folder = root / place.hub_id
    folder.mkdir(parents=True)
    # The branch that the Hub makes of what is no Parquet has a folder for each config, and says nothing of them.
    made = place.revision == PARQUET
    for split in layout.splits:
        features = datasets.Features({layout.image: datasets.Image(), **layout.features})
        columns: dict[str, list[Any]] = {layout.image: pictures(name, split)}
        for column, kind in layout.features.items():
            text = isinstance(kind, datasets.Value) and kind.dtype == "string"
            columns[column] = [str(number) if text else number % 2 for number in range(COUNT)]
        file = f"{place.config}/{split}/0000" if made else f"{layout.config or 'data'}/{split}-00000-of-00001"
        target = folder / f"{file}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict(columns, features=features).to_parquet(target)
    if made:
        shutil.copytree(folder / str(place.config), folder / "another config")
        return
    lines = [f"  - split: {split}\n    path: {layout.config or 'data'}/{split}-*" for split in layout.splits]
    head = f"configs:\n- config_name: {layout.config or 'default'}\n  data_files:\n" + "\n".join(lines)
    (folder / "README.md").write_text(f"---\n{head}\n---\n")


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_row_loads_from_a_copy_laid_out_like_it(name: str, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(copies, name)
    monkeypatch.setattr("nevoa.data.sources.builtin.DEBIAN_FOLDER", copies / "not installed")
    row, layout = CATALOG[name], LAYOUTS[name]
    for split in layout.splits:
        images = load_images(name, split=split, size=row.size or (50, 70))
        expected = np.stack([np.asarray(picture) for picture in pictures(name, split)])
        np.testing.assert_array_equal(images.images, expected.reshape(images.images.shape))
        assert images.shape[0] == row.channels
        assert images.notes.licence == row.licence
        if name == "milly_images":
            assert images.classes == ()
            continue
        assert images.labels.tolist() == [number % 2 for number in range(COUNT)]
        listed = row.list(split).classes
        assert images.classes == listed[:2]  # the copy has images of no others
        if row.classes:
            assert listed == row.classes
        if row.class_count and name != "indoor_scenes":
            assert len(listed) == row.class_count
    assert layout.splits[0] == "train"
    assert set(layout.splits) == set(row.counts)


def test_every_row_of_the_hub_has_a_layout() -> None:
    assert LAYOUTS.keys() == {name for name, row in CATALOG.items() if row.place}
    assert len(LAYOUTS) == 14


def test_any_data_set_of_the_hub_by_its_name(copies: Path) -> None:
    copy(copies, "cifar10")
    copy(copies, "svhn")
    images = load_images("hf:uoft-cs/cifar10")
    assert images.images.shape == (COUNT, 32, 32, 3)
    assert images.classes == CATALOG["cifar10"].classes[:2]
    assert len(load_images("hf:ufldl-stanford/svhn:cropped_digits", split="extra")) == COUNT


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
    with pytest.raises(NevoaError, match="no split 'validation'; there are"):
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
    with pytest.raises(NevoaError, match="cannot be read as Parquet"):
        load_images(str(copies / "y.parquet"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("hf:a/b", Place("a/b")),
        ("hf:a/b:c", Place("a/b", "c")),
        ("hf:a/b@main", Place("a/b", None, "main")),
        ("hf:a/b:c@refs/convert/parquet", Place("a/b", "c", "refs/convert/parquet")),
    ],
)
def test_places_on_the_hub(text: str, place: Place) -> None:
    assert parse_place(text) == place
    assert str(place) == text


@pytest.mark.parametrize("text", ["hf:", "hf:a", "hf:/b", "hf:a/", "hf:a/b/c"])
def test_no_place_on_the_hub(text: str) -> None:
    with pytest.raises(NevoaError, match="hf:OWNER/NAME"):
        parse_place(text)


def test_without_a_network_the_reason_and_a_way_on_are_said(copies: Path) -> None:
    with pytest.raises(NevoaError, match="Cannot fetch hf:no/where, split train"):
        load_images("hf:no/where")
    with pytest.raises(NevoaError, match="fashion_mnist_10k or shapes, which need no network"):
        load_images("mnist")


@pytest.mark.skipif(os.environ.get("NEVOA_ONLINE") != "1", reason="asks the real Hub: NEVOA_ONLINE=1")
@pytest.mark.parametrize("name", [name for name, row in CATALOG.items() if row.place and name != "quickdraw"])
def test_the_real_hub(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the catalogue says of each, held against what is there."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path))
    monkeypatch.setattr("nevoa.data.sources.builtin.DEBIAN_FOLDER", tmp_path / "not installed")
    row = CATALOG[name]
    listing = row.list("train")
    assert listing.count == (row.counts["train"] or listing.count)
    images = load_images(name, limit=20)
    assert images.shape[0] == row.channels
    assert not row.class_count or len(images.classes) == row.class_count
