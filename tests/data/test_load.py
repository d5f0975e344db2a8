"""From what a user names to images."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.config import DataConfig
from nevoa.config.presets import configure
from nevoa.data import (
    ImageSet,
    flips,
    image_at,
    load_images,
    load_test_images,
    loading,
    read_unchanged,
)
from nevoa.data.find import find_source
from nevoa.data.prepare import Preparation, store_folder
from nevoa.errors import NevoaError
from tests.data.pictures import encoded, photo


@pytest.mark.slow
def test_a_resized_source_has_that_size() -> None:
    assert load_images("fashion_mnist_10k", size=(16, 16)).shape == (1, 16, 16)


@pytest.mark.parametrize("text", ["cat.png", ":7", "a:b", "a:-1", "7", ""])
def test_text_that_names_no_image_by_its_index(text: str) -> None:
    assert image_at(text) is None


def test_an_image_is_named_by_its_source_and_index(folder: Path) -> None:
    np.testing.assert_array_equal(image_at(f"{folder}:1"), load_images(folder).images[1])
    with pytest.raises(NevoaError, match="has no image 12: its images are 0 to 11"):
        image_at(f"{folder}:12")


def idx_bytes(array: np.ndarray) -> bytes:
    return b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


PIXELS = np.random.default_rng(0).integers(0, 256, (7, 5, 6, 3), dtype=np.uint8)


def test_a_class_without_images_to_train_on_is_none(tmp_path: Path) -> None:
    """A model would have a name for it and nothing learned; test images of it are left out."""
    for number, name in enumerate(("train/cat", "train/dog", "train/newt", "test/newt", "test/cat", "test/yak")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "1.png").write_bytes(encoded(photo(number), "PNG"))
    (tmp_path / "train/dog/1.png").write_bytes(b"\x89PNG, and damaged")
    data = DataConfig(source=str(tmp_path))
    train = load_images(data)
    assert (train.classes, train.labels.tolist()) == (("cat", "newt"), [0, 1])
    test = load_test_images(data, train)
    assert (test.classes, test.labels.tolist()) == (("cat", "newt"), [0, 1])
    np.testing.assert_array_equal(test.images, np.stack([np.asarray(photo(number)) for number in (4, 3)]))
    whole = load_images(data, split="test")
    assert test.fingerprint != whole.fingerprint  # by which its features are kept


def test_a_test_split_without_a_class_has_the_numbers_of_the_train_split(tmp_path: Path) -> None:
    for name, labels in (("train", [0, 1, 2, 3, 2, 1, 0]), ("t10k", [3, 0, 3, 0, 3, 0, 3])):
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(idx_bytes(PIXELS[..., 0]))
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes(np.array(labels, np.uint8)))
    data = DataConfig(source=str(tmp_path))
    test = load_test_images(data, load_images(data))
    assert test.classes == ("0", "1", "2", "3")
    assert test.labels.tolist() == [3, 0, 3, 0, 3, 0, 3]


def test_text_is_not_mirrored_and_objects_are(tmp_path: Path) -> None:
    assert [flips(name) for name in ("mnist", "digits", "svhn", "quickdraw", "fashion_mnist_10k")] == [False] * 5
    assert [flips(name) for name in ("hf:ylecun/mnist", "hf:uoft-cs/cifar10", "hf:a/b")] == [False, True, True]
    assert [configure(name, "classic").data.augment for name in ("fashion_mnist", "mnist")] == [{"flip": 0.5}, "auto"]
    assert [flips(name) for name in ("cifar10", "shapes", "cat_and_dog", str(tmp_path))] == [True] * 4


def test_pictures_of_many_sizes_and_modes_become_alike(tmp_path: Path) -> None:
    for number, (size, mode) in enumerate([((40, 30), "RGB"), ((10, 90), "L"), ((64, 64), "RGBA"), ((7, 7), "P")]):
        (tmp_path / f"{number}.png").write_bytes(encoded(photo(number, size, mode), "PNG"))
    assert load_images(tmp_path).images.shape == (4, 64, 64, 3)
    assert load_images(tmp_path, size=(16, 24), channels=1).images.shape == (4, 16, 24, 1)


def test_gray_pictures_have_one_channel(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encoded(photo(number, mode="L"), "PNG"))
    assert load_images(tmp_path).images.shape == (3, 30, 40, 1)
    assert load_images(tmp_path, channels=3).images.shape == (3, 30, 40, 3)


def test_large_pictures_of_one_size_are_made_small(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(encoded(photo(number, (400, 300)), "PNG"))
    assert load_images(tmp_path).shape == (3, 64, 64)


def test_a_large_photograph_keeps_its_size_in_the_notes(tmp_path: Path) -> None:
    """Although it is unpacked smaller; lying or upright, as it is seen."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "1.jpg").write_bytes(encoded(photo(1, (640, 480)), "JPEG", exif=exif.tobytes()))
    images = load_images(tmp_path, size=(16, 16))
    assert images.images.shape == (1, 16, 16, 3)
    assert images.notes.sizes == ((640, 480), (640, 480))


def test_a_cache_that_cannot_be_written_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("x")
    monkeypatch.setenv("NEVOA_CACHE", str(folder / "file" / "cache"))
    with pytest.raises(NevoaError, match="Cannot write"):
        load_images(folder)


def test_a_folder_is_walked_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walked = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: walked.append(str(path)) or scandir(path))
    for _ in range(2):
        walked.clear()
        assert len(load_images(folder)) == 12
        # Twice from Python 3.13 on: there iterdir, which looks for idx files, calls scandir.
        assert str(folder) in walked
        below = [path for path in walked if Path(path).parent == folder]
        assert sorted(below) == sorted(str(folder / name) for name in ("cat", "dog", "newt"))


def test_a_path_a_name_and_a_config_mean_the_same(folder: Path) -> None:
    data = DataConfig(source=str(folder), size=8, only=("dog", "cat"))
    ways = (load_images(data), load_images(folder, size=8, only=("dog", "cat")), load_images(data, limit=99))
    assert len({images.fingerprint for images in ways}) == 1
    assert ways[0].classes == ("dog", "cat")
    assert load_images(data, size=9).shape == (3, 9, 9)


def test_a_path_is_never_the_name_of_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shapes").mkdir()
    Path("shapes/a.png").write_bytes(encoded(photo(), "PNG"))
    assert load_images(Path("shapes")).shape == (3, 30, 40)


def test_an_unknown_option_or_value_is_refused(folder: Path) -> None:
    with pytest.raises(NevoaError, match=r"data\.sise"):
        load_images(folder, sise=8)  # pyright: ignore[reportCallIssue]
    with pytest.raises(NevoaError, match=r"data\.size"):
        load_images(folder, size=2)


def test_strict_refuses_unusable_images(folder: Path) -> None:
    (folder / "cat/bad.png").write_bytes(b"bad")
    assert len(load_images(folder)) == 12
    with pytest.raises(NevoaError, match=r"Cannot use 1 of the files of .*; the first is cat/bad.png"):
        load_images(folder, strict=True)


def test_loading_yields_progress_and_then_the_images(folder: Path) -> None:
    *steps, images = loading(str(folder))
    assert [(step.done, step.total) for step in steps if isinstance(step, Preparation)] == [(n, 12) for n in range(13)]
    assert isinstance(images, ImageSet)
    assert len(list(loading(str(folder)))) == 1  # nothing is left to prepare


def test_images_to_be_measured_are_not_changed(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encoded(photo(number), "PNG"))
    with pytest.warns(UserWarning, match="Of the 3 images in .*, the first 2 are measured"):
        first = read_unchanged(tmp_path, 2)
    np.testing.assert_array_equal(first, np.stack([np.asarray(photo(number)) for number in range(2)]))
    np.testing.assert_array_equal(read_unchanged(tmp_path, 3)[:2], first)
    (tmp_path / "3.png").write_bytes(encoded(photo(3, (9, 9)), "PNG"))
    with pytest.raises(NevoaError, match=r"differ: 0.png is 30x40"):
        read_unchanged(tmp_path)
    (tmp_path / "3.png").write_bytes(b"bad")
    with pytest.raises(NevoaError, match=r"Cannot read 3.png in .*: it is not an image"):
        read_unchanged(tmp_path)


def test_a_folder_that_is_called_like_a_data_set_is_measured_itself(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shapes").mkdir()
    Path("shapes/a.png").write_bytes(encoded(photo(), "PNG"))
    assert read_unchanged(Path("shapes")).shape == (1, 30, 40, 3)


def test_padding_keeps_the_whole_image(tmp_path: Path) -> None:
    """A black image twice as wide as high, in a square: bars of the background above and below it."""
    Image.new("L", (16, 8)).save(tmp_path / "a.png")
    cropped, padded = load_images(str(tmp_path), size=8), load_images(str(tmp_path), size=8, fit="pad")
    assert cropped.images.max() == 0
    bars = np.repeat([255, 0, 255], [2, 4, 2])
    np.testing.assert_array_equal(padded.images[0, :, :, 0], np.tile(bars[:, None], 8))
    red = load_images(str(tmp_path), size=8, fit="pad", background="red").images[0]
    np.testing.assert_array_equal(red[:, 0], np.array([[255, 0, 0], [0, 0, 0]])[(bars == 0).astype(int)])
    assert len({cropped.fingerprint, padded.fingerprint}) == 2
    assert load_images(str(tmp_path), size=8, fit="crop").fingerprint == cropped.fingerprint
    with pytest.raises(NevoaError, match=r"data\.fit: Input should be 'crop' or 'pad'"):
        load_images(str(tmp_path), fit="stretch")


def test_a_strip_of_pixels_can_be_padded(tmp_path: Path) -> None:
    Image.new("L", (400, 4)).save(tmp_path / "a.png")
    assert (load_images(str(tmp_path), size=8, fit="pad").images == 0).sum() == 8


def test_crop_is_no_part_of_the_cache_key() -> None:
    source = find_source("shapes")
    default = DataConfig(source="shapes")
    configs = default, DataConfig(source="shapes", fit="crop"), DataConfig(source="shapes", fit="pad")
    key, same, other = (store_folder(source, config) for config in configs)
    assert key == same != other
    assert DataConfig.model_validate(DataConfig(fit="pad").model_dump()).fit == "pad"


@pytest.mark.parametrize(("sizes", "most"), [([16, 16, 16, 24], (16, 16)), ([16, 16, 24, 24], None), ([16], None)])
def test_the_size_of_most_images_is_noted_where_others_differ(
    sizes: list[int], most: tuple[int, int] | None, tmp_path: Path
) -> None:
    for number, side in enumerate(sizes):
        photo(number, (side, side)).save(tmp_path / f"{number}.png")
    assert load_images(str(tmp_path)).notes.most == most
    assert load_images(str(tmp_path)).notes.most == most, "from the cache"
    assert load_images(str(tmp_path), size=64).notes.most is None, "a size was chosen"


def test_an_image_that_is_too_small_to_train_on_does_not_decide_the_size(tmp_path: Path) -> None:
    """Such as the spacer of one pixel that old web pages have."""
    for number in range(3):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(tmp_path / f"{number}.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "spacer.gif")
    images = load_images(str(tmp_path))
    assert images.shape == (3, 32, 32) and len(images) == 3
    assert [one.name for one in images.notes.bad] == ["spacer.gif"]
