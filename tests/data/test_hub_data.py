"""The Hub's data sets, from local copies laid out like each."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import constants
from PIL import Image

from nevoa.data import CATALOG, load_images
from nevoa.data.hub import PARQUET, Place, parse_model, parse_place
from nevoa.data.sources import builtin
from nevoa.data.sources.builtin import CLOTHES, DIGITS
from nevoa.errors import NevoaError
from tests.data.pictures import photo

datasets = pytest.importorskip("datasets")


COUNT = 6


CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


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
    "cifar10": Layout({"label": _classes(CIFAR10)}, image="img"),
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
    "rice": Layout({"label": _classes(["Arborio", "Basmati", "Ipsala", "Jasmine", "Karacadag"])}, ("train",)),
    "butterflies": Layout({"label": _classes(["erato_cyrbia", "melpomene_rosina"])}, ("train",)),
    "cat_and_dog": Layout({"labels": _classes(["cat", "dog"])}),
}


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of copies in place of the Hub."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.chdir(tmp_path)  # `datasets` prefers a local folder of the name
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def test_captions_come_from_a_column_of_the_hub(copies: Path) -> None:
    copy(copies, "celeba")
    images = load_images("celeba", caption_column="prompt_string")
    assert images.captions == tuple((str(number),) for number in range(COUNT))
    with pytest.raises(NevoaError, match=r"no column 'prompt'\. Did you mean 'prompt_string'"):
        load_images("celeba", caption_column="prompt")


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


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_row_loads_from_a_copy_laid_out_like_it(name: str, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(copies, name)
    monkeypatch.setattr(builtin, "DEBIAN_FOLDER", copies / "not installed")
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
        if row.classes and name != "indoor_scenes":
            assert len(listed) == row.classes
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
    assert images.classes == CIFAR10[:2]
    assert len(load_images("hf:ufldl-stanford/svhn:cropped_digits", split="extra")) == COUNT


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


@pytest.mark.parametrize("text", ["hf:", "hf:a", "hf:/b", "hf:a/", "hf:a/b/c", "hf:a b/c", "hf:a/b--c"])
def test_no_place_on_the_hub(text: str) -> None:
    with pytest.raises(NevoaError, match="hf:OWNER/NAME"):
        parse_place(text)


def test_a_model_has_no_config() -> None:
    assert parse_model("hf:a/b@main") == Place("a/b", None, "main")
    with pytest.raises(NevoaError, match="only data sets have one: leave out :c"):
        parse_model("hf:a/b:c")


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
    monkeypatch.setattr(builtin, "DEBIAN_FOLDER", tmp_path / "not installed")
    row = CATALOG[name]
    listing = row.list("train")
    assert len(listing) == (row.counts["train"] or len(listing))
    images = load_images(name, limit=20)
    assert images.shape[0] == row.channels
    assert not row.classes or len(images.classes) == row.classes
