"""The rule for classes and splits of a folder, layout by layout, against `datasets`' imagefolder and torchvision."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from nevoa.config import DataConfig
from nevoa.data import image_folder, load_images, load_test_images
from nevoa.data.decode import AVIF
from nevoa.errors import NevoaError

Kinds = dict[str, int]


def lay_out(folder: Path, folders: Sequence[str], each: int = 3) -> None:
    """Put `each` images into each folder; `.` is the folder itself."""
    for number, name in enumerate(folders):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for inner in range(each):
            Image.new("RGB", (8, 8), (number, inner, 7)).save(folder / name / f"{inner}.png")


def ours(folder: Path, split: str = "train") -> Kinds:
    """How many images of each class a split has; the class is "" where there are none."""
    images = load_images(str(folder), split=split)
    return dict(Counter(images.classes[label] if images.classes else "" for label in images.labels.tolist()))


def theirs(folder: Path, split: str = "train") -> Kinds:
    """The same by `datasets`."""
    datasets = pytest.importorskip("datasets")
    rows = datasets.load_dataset("imagefolder", data_dir=str(folder), split=split, cache_dir=folder.parent / "hf")
    kind = rows.features.get("label")
    if kind is None:
        return {"": len(rows)}
    return dict(Counter(kind.int2str(label) if hasattr(kind, "int2str") else str(label) for label in rows["label"]))


TWO = {"cats": 3, "dogs": 3}


@pytest.mark.parametrize(
    ("folders", "train", "test"),
    [
        (["cats", "dogs"], TWO, None),
        (["."], {"": 3}, None),
        (["all"], {"": 3}, None),
        (["train/cats", "train/dogs", "test/cats", "test/dogs"], TWO, TWO),
        (["data/train/cats", "data/train/dogs", "data/test/cats", "data/test/dogs"], TWO, TWO),
        (["training_set/cats", "training_set/dogs", "test_set/cats", "test_set/dogs"], TWO, TWO),
        (["train-2017/cats", "train-2017/dogs", "testing/cats", "testing/dogs"], TWO, TWO),
        (["train/cats", "train/dogs"], TWO, None),
        (["seg_train/seg_train/cats", "seg_train/seg_train/dogs", "seg_test/seg_test/dogs"], TWO, {"dogs": 3}),
        (["training/cats", "training/dogs", "evaluation/cats"], TWO, {"cats": 3}),
        (["pets/pets/cats", "pets/pets/dogs"], TWO, None),
        (["animals/cats", "animals/dogs", "plants/fern"], {**TWO, "fern": 3}, None),
        (["a/cats", "b/cats", "b/dogs"], {"cats": 6, "dogs": 3}, None),
        (["steam_train", "diesel_train"], {"steam_train": 3, "diesel_train": 3}, None),
    ],
)
def test_layouts_are_those_of_imagefolder(folders: list[str], train: Kinds, test: Kinds | None, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    lay_out(folder, folders)
    if folders != ["steam_train", "diesel_train"]:  # their innermost folder is the split itself
        assert theirs(folder) == train
        assert ours(folder) == train
    else:
        assert ours(folder) == {"": 6}
    if test is not None:
        assert ours(folder, "test") == theirs(folder, "test") == test
    else:
        with pytest.raises(NevoaError, match="no split 'test'"):
            ours(folder, "test")


@pytest.mark.parametrize("folders", [["cats", "dogs"], ["cats"]])
def test_flat_classes_are_those_of_torchvision(folders: list[str], tmp_path: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    lay_out(tmp_path, folders)
    rows = torchvision.datasets.ImageFolder(str(tmp_path))
    named = dict(Counter(rows.classes[label] for label in rows.targets))
    assert ours(tmp_path) == (named if len(named) > 1 else {"": 3})


@pytest.mark.parametrize("split", ["validation", "valid", "val", "dev"])
def test_a_split_has_several_spellings(split: str, tmp_path: Path) -> None:
    lay_out(tmp_path / "set", ["train/cats", "train/dogs", f"{split}/cats"])
    for name in (split, "validation"):
        assert ours(tmp_path / "set", name) == {"cats": 3}
    assert theirs(tmp_path / "set", "validation") == {"cats": 3}


@pytest.mark.parametrize(
    ("folders", "train", "test"),
    [
        # Where `datasets` takes the splits themselves for classes, or looks into the name of the folder around them.
        (["train", "test"], {"": 3}, {"": 3}),
        (["train/cats", "train/dogs", "test"], TWO, {"": 3}),
        (["train", "test/cats", "test/dogs"], {"": 3}, TWO),
        (["training_data/train/cats", "training_data/train/dogs", "training_data/test/cats"], TWO, {"cats": 3}),
        (["test_project/train/cats", "test_project/train/dogs", "test_project/test/cats"], TWO, {"cats": 3}),
        (["train/train/cats", "train/train/dogs"], TWO, None),
    ],
)
def test_other_layouts_follow_the_same_rule(
    folders: list[str], train: Kinds, test: Kinds | None, tmp_path: Path
) -> None:
    lay_out(tmp_path, folders)
    assert ours(tmp_path) == train
    if test is not None:
        assert ours(tmp_path, "test") == test


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (["bus", "car", "train"], "bus/0.png lies beside the split folders .train."),
        (["test tube", "flask"], "flask/0.png lies beside the split folders .test tube."),
        (["train/cats", "train/dogs", "docs"], "docs/0.png lies beside the split folders .train."),
        (["train", "test", "."], "0.png lies beside the split folders .test, train."),
        (["cats/train", "cats/test", "dogs/train"], r"Put splits first, as in (test|train)/CLASS/0.png"),
        (["train/cats/test", "train/cats/train"], "Put splits first, as in test/CLASS/0.png"),
    ],
)
def test_ambiguous_splits_are_refused(folders: list[str], said: str, tmp_path: Path) -> None:
    lay_out(tmp_path, folders)
    with pytest.raises(NevoaError, match=said):
        ours(tmp_path)


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        ([".", "cats", "dogs"], "0.png and cats/0.png lie at different depths"),
        (["cats", "dogs/small"], "cats/0.png and dogs/small/0.png"),
        (["train/cats", "train/dogs/small", "test/cats"], "train/cats/0.png and train/dogs/small/0.png"),
        (["cats", "cats/small"], "cats/0.png and cats/small/0.png"),
    ],
)
def test_images_at_different_depths_have_no_classes(folders: list[str], said: str, tmp_path: Path) -> None:
    lay_out(tmp_path, folders)
    assert list(ours(tmp_path)) == [""]
    assert load_images(str(tmp_path)).notes.unsettled.startswith(said)  # also when the store is opened again
    with pytest.raises(NevoaError, match=r"no classes to choose from.*To train without classes, add --condition none"):
        load_images(str(tmp_path), only="cats")


def test_the_table_of_the_note_settles_the_classes(tmp_path: Path) -> None:
    lay_out(tmp_path / "set", [".", "cats", "dogs"], each=1)
    head, *rows = load_images(str(tmp_path / "set")).notes.unsettled.split("):\n")[1].splitlines()
    table = [head, *(row.replace("CLASS", str(number)) for number, row in enumerate(rows)), "dogs/0.png,1"]
    (tmp_path / "set/metadata.csv").write_text("\n".join(table))
    assert ours(tmp_path / "set") == {"0": 1, "1": 2}
    assert theirs(tmp_path / "set") == {"0": 1, "1": 2}


def test_integers_that_pandas_wrote_beside_blanks_are_classes_without_decimals(tmp_path: Path) -> None:
    lay_out(tmp_path, ["."], each=4)
    rows = [f"{number}.png,{label}" for number, label in enumerate(("1.0", "10.0", "1.5", "2.0"))]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    assert ours(tmp_path) == {"1": 1, "10": 1, "1.5": 1, "2": 1}


def test_a_class_has_one_number_in_all_splits(tmp_path: Path) -> None:
    lay_out(tmp_path, ["train/cat", "train/dog", "train/newt", "test/newt", "test/yak"])
    data = DataConfig(source=str(tmp_path))
    train = load_images(data)
    test = load_test_images(data, train)
    assert train.classes == test.classes == ("cat", "dog", "newt")
    assert test.labels.tolist() == [2] * 3  # the yaks are left out


def test_test_images_of_other_classes_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, ["train/cat", "train/dog", "test/unknown", "test/other"])
    data = DataConfig(source=str(tmp_path))
    with pytest.raises(NevoaError, match="have the classes other, unknown; its training images have none of them"):
        load_test_images(data, load_images(data))


@pytest.mark.parametrize("name", ["test", "val", "Test"])
def test_a_test_folder_alone_is_not_trained_on(name: str, tmp_path: Path) -> None:
    lay_out(tmp_path, [f"{name}/cats", f"{name}/dogs"])
    with pytest.raises(NevoaError, match="no split 'train': choose"):
        ours(tmp_path)
    assert ours(tmp_path, name) == TWO


@pytest.mark.parametrize("split", ["/x", "**", "", "../.."])
def test_no_such_split(split: str, tmp_path: Path) -> None:
    lay_out(tmp_path, ["cats", "dogs"])
    with pytest.raises(NevoaError, match="no split"):
        ours(tmp_path, split)


def test_a_folder_without_splits_says_how_to_make_one(tmp_path: Path) -> None:
    lay_out(tmp_path, ["cats", "dogs"])
    with pytest.raises(NevoaError, match="put its images into a folder test, the others into train"):
        ours(tmp_path, "test")


def test_runs_and_stores_among_the_images_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, ["cats", "dogs", "runs/x/samples"])
    for name in ("config.toml", "journal.jsonl"):
        (tmp_path / "runs" / "x" / name).touch()
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    before = load_images(str(tmp_path))
    assert before.classes == ("cats", "dogs")
    assert not before.notes.bad
    assert load_images(str(tmp_path)).notes == before.notes  # although the store lies there now
    assert len(list((tmp_path / "cache").glob("*/images.npy"))) == 1
    assert len(load_images(str(tmp_path / "runs/x/samples"))) == 3


@pytest.mark.parametrize("inside", ["checkpoints", "model", "journal.jsonl"])
def test_a_run_is_not_a_source(tmp_path: Path, inside: str) -> None:
    lay_out(tmp_path / "stamps", [".", inside])
    (tmp_path / "stamps/config.toml").touch()
    with pytest.raises(NevoaError, match=r"is a run, not images. To resume it: nevoa continue .*sample .*stamps"):
        load_images(str(tmp_path / "stamps"))


@pytest.mark.slow
def test_images_of_formats_that_are_not_opened_get_a_hint(tmp_path: Path) -> None:
    lay_out(tmp_path, ["."], each=1)
    for name in ("a.svg", "b.SVGZ", "c.jxl", "d.heic", "e.txt"):
        (tmp_path / name).write_bytes(b"not an image")
    notes = load_images(str(tmp_path)).notes
    assert {bad.name: bad.reason for bad in notes.bad} == {
        "a.svg": "nevoa does not open SVG: draw it as PNG, with rsvg-convert",
        "b.SVGZ": "nevoa does not open SVG: draw it as PNG, with rsvg-convert",
        "c.jxl": "nevoa does not open JPEG XL: save it as PNG or JPEG",
        "d.heic": "nevoa does not open HEIC: save it as PNG or JPEG",
    }
    assert notes.ignored == 1


@pytest.mark.skipif(not AVIF, reason="needs a Pillow with AVIF")
def test_avif_is_opened_where_pillow_can(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.AVIF", "AVIF")
    Image.new("RGB", (8, 8), "red").save(tmp_path / "unnamed", "AVIF")
    (tmp_path / "b.avif").write_bytes(b"damaged")
    images = load_images(str(tmp_path))
    assert len(images) == 2
    assert [bad.name for bad in images.notes.bad] == ["b.avif"]


def test_avif_gets_a_hint_where_pillow_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_folder, "SUFFIXES", {".png"})
    lay_out(tmp_path, ["."], each=1)
    (tmp_path / "a.avif").write_bytes(b"")
    assert load_images(str(tmp_path)).notes.bad[0].reason == "nevoa does not open AVIF: save it as PNG or JPEG"
