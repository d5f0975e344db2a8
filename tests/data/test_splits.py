"""Folders as people lay them out: which pictures are to train on, which to test with, and of what class they are."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from nevoa.data import Selection, open_source
from nevoa.errors import NevoaError

Kinds = dict[str, int]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path_factory.mktemp("cache")))


def lay_out(folder: Path, folders: Sequence[str], each: int = 3) -> None:
    """So many pictures in each folder, `.` for the uppermost."""
    for number, name in enumerate(folders):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for inner in range(each):
            Image.new("RGB", (8, 8), (number, inner, 7)).save(folder / name / f"{inner}.png")


def ours(folder: Path, split: str) -> Kinds:
    """How many pictures of each class a split has; the class is "" where there are none."""
    images = open_source(str(folder), Selection(split))
    return dict(Counter(images.classes[label] if images.classes else "" for label in images.labels.tolist()))


def theirs(folder: Path, split: str) -> Kinds:
    """The same by `datasets`' imagefolder."""
    datasets = pytest.importorskip("datasets")
    rows = datasets.load_dataset("imagefolder", data_dir=str(folder), split=split, cache_dir=folder.parent / "hf")
    kind = rows.features.get("label")
    return dict(Counter("" if row.get("label") is None else kind.int2str(row["label"]) for row in rows))


TWO = {"cats": 3, "dogs": 3}


@pytest.mark.parametrize(
    ("folders", "train", "test"),
    [
        (["train/cats", "train/dogs", "test/cats", "test/dogs"], TWO, TWO),
        (["data/train/cats", "data/train/dogs", "data/test/cats", "data/test/dogs"], TWO, TWO),
        (["training_set/cats", "training_set/dogs", "test_set/cats", "test_set/dogs"], TWO, TWO),
        (["train-2017/cats", "train-2017/dogs", "testing/cats", "testing/dogs"], TWO, TWO),
        (["train/cats", "train/dogs"], TWO, None),
        (["cats", "dogs"], TWO, None),
    ],
)
def test_splits_are_those_of_imagefolder(folders: list[str], train: Kinds, test: Kinds | None, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    lay_out(folder, folders)
    assert ours(folder, "train") == theirs(folder, "train") == train
    if test is not None:
        assert ours(folder, "test") == theirs(folder, "test") == test
    else:
        with pytest.raises(NevoaError, match="no split 'test'"):
            ours(folder, "test")


@pytest.mark.parametrize(
    ("folders", "train", "test"),
    [
        # Splits below the classes, which imagefolder takes for the classes.
        (["cats/train", "cats/test", "dogs/train", "dogs/test"], TWO, TWO),
        (["a/cats/train", "a/cats/test", "a/dogs/train", "a/dogs/test"], TWO, TWO),
        # A test folder without classes, as competitions have it, takes none from those to train on.
        (["train", "test"], {"": 3}, {"": 3}),
        (["train/cats", "train/dogs", "test"], TWO, {"": 3}),
        (["train/cats", "train/dogs", "test/unknown"], TWO, {"": 3}),
        (["train", "test/cats", "test/dogs"], {"": 3}, TWO),
        # Classes are called as they are.
        (["bus", "car", "train"], {"bus": 3, "car": 3, "train": 3}, None),
        (["steam_train", "diesel_train"], {"steam_train": 3, "diesel_train": 3}, None),
        (["test tube", "flask", "dish"], {"test tube": 3, "flask": 3, "dish": 3}, None),
        (["test tubes/a", "test tubes/b"], {"a": 3, "b": 3}, None),
        # The uppermost folders that differ are classes, where imagefolder has the innermost.
        (["animals/cats", "animals/dogs", "plants/fern"], {"animals": 6, "plants": 3}, None),
        # Folders around splits, beside them, and twice.
        (["training_data/train/cats", "training_data/train/dogs", "training_data/test/cats"], TWO, {"cats": 3}),
        (["test_project/train/cats", "test_project/train/dogs", "test_project/test/cats"], TWO, {"cats": 3}),
        (["train/cats", "train/dogs", "docs"], TWO, None),
        (["train", "train_masks", "test"], {"": 3}, {"": 3}),
        (["train/cats", "train/dogs", "tests/cats", "tests/dogs"], TWO, TWO),
        (
            ["seg_train/seg_train/cats", "seg_train/seg_train/dogs", "seg_test/seg_test/cats", "seg_pred/seg_pred"],
            TWO,
            {"cats": 3},
        ),
        (["train_images/cats", "train_images/dogs", "test_images", "sample_images"], TWO, {"": 3}),
        (["steam_train", "crash_test", "bus"], {"steam_train": 3, "crash_test": 3, "bus": 3}, None),
        (["train/train/cats", "train/train/dogs"], TWO, None),
        (
            ["training_set/training_set/cats", "training_set/training_set/dogs", "test_set/test_set/dogs"],
            TWO,
            {"dogs": 3},
        ),
    ],
)
def test_other_layouts(folders: list[str], train: Kinds, test: Kinds | None, tmp_path: Path) -> None:
    lay_out(tmp_path, folders)
    assert ours(tmp_path, "train") == train
    if test is not None:
        assert ours(tmp_path, "test") == test
    else:
        with pytest.raises(NevoaError, match="no split 'test'"):
            ours(tmp_path, "test")


def test_a_few_in_a_folder_called_train_are_no_split(tmp_path: Path) -> None:
    lay_out(tmp_path, ["."], each=9)
    lay_out(tmp_path, ["train"], each=2)
    assert ours(tmp_path, "train") == {"": 11}


def test_many_to_test_with_of_no_class_take_none_from_those_to_train_on(tmp_path: Path) -> None:
    lay_out(tmp_path, ["train/cats", "train/dogs"])
    lay_out(tmp_path, ["test"], each=20)
    assert ours(tmp_path, "train") == TWO
    assert ours(tmp_path, "test") == {"": 20}


def test_a_cover_above_the_folders_takes_neither_splits_nor_classes(tmp_path: Path) -> None:
    lay_out(tmp_path, ["set/train/cats", "set/train/dogs", "set/test/cats"])
    lay_out(tmp_path, ["."], each=1)
    assert ours(tmp_path, "train") == TWO
    assert ours(tmp_path, "test") == {"cats": 3}
    assert [bad.name for bad in open_source(str(tmp_path)).notes.bad] == ["0.png"]


@pytest.mark.parametrize("name", ["test", "val", "Test"])
def test_what_is_only_there_to_test_with_is_not_trained_on(name: str, tmp_path: Path) -> None:
    lay_out(tmp_path, [f"{name}/cats", f"{name}/dogs"])
    with pytest.raises(NevoaError, match="no split 'train' here, but"):
        ours(tmp_path, "train")
    assert ours(tmp_path, name) == TWO


def test_runs_and_stores_among_the_pictures_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, ["cats", "dogs", "runs/x/samples"])
    for name in ("config.toml", "status.json"):
        (tmp_path / "runs" / "x" / name).touch()
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    before = open_source(str(tmp_path))
    assert before.classes == ("cats", "dogs")
    assert not before.notes.bad
    assert open_source(str(tmp_path)).notes == before.notes  # though there is a store now
    assert len(list((tmp_path / "cache").glob("*/images.npy"))) == 1
    for named in ("runs/x", "runs/x/samples"):
        assert len(open_source(str(tmp_path / named))) == 3
