"""Arrays in .npy and .npz files."""

import gzip
import resource
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nevoa.data import load_images
from nevoa.data.sources.idx import read_idx
from nevoa.errors import NevoaError

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 5, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize("images", [PIXELS, PIXELS[..., :1], PIXELS[..., 0]], ids=["colour", "gray", "no channel"])
def test_an_array_is_its_images(images: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", images)
    np.savez(tmp_path / "b.npz", images=images)
    np.savez_compressed(tmp_path / "c.npz", images, labels=np.array([7, 7, 3, 3, 3, 7, 7]))
    expected = images if images.ndim == 4 else images[..., None]
    for name in ("a.npy", "b.npz", "c.npz"):
        np.testing.assert_array_equal(load_images(str(tmp_path / name)).images, expected)
    labelled = load_images(str(tmp_path / "c.npz"))
    assert labelled.classes == ("3", "7")
    assert labelled.labels.tolist() == [1, 1, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("name", ["y_train", "label_ids", "targets", "Train_Labels", "class", "Y"])
def test_labels_have_many_names(name: str, tmp_path: Path) -> None:
    values = [["b"], ["a"], ["b"], ["a"], ["a"], ["a"], ["c"]]
    np.savez(tmp_path / "a.npz", x_train=PIXELS, weights=np.zeros(7), **{name: np.array(values)})  # pyright: ignore[reportArgumentType]
    images = load_images(str(tmp_path / "a.npz"))
    assert images.classes == ("a", "b", "c")
    assert images.labels.tolist() == [1, 0, 1, 0, 0, 0, 2]


@pytest.mark.parametrize(
    ("images", "labels"), [("{}_images", "{}_labels"), ("x_{}", "y_{}")], ids=["MedMNIST", "Keras"]
)
def test_an_array_for_each_split(images: str, labels: str, tmp_path: Path) -> None:
    parts = {"train": PIXELS[:4], "val": PIXELS[4:6], "test": PIXELS[6:]}
    arrays = {images.format(split): part for split, part in parts.items()}
    arrays |= {labels.format(split): np.arange(len(part))[:, None] % 2 for split, part in parts.items()}
    np.savez(tmp_path / "a.npz", **arrays)  # pyright: ignore[reportArgumentType]
    for split, part in parts.items():
        found = load_images(str(tmp_path / "a.npz"), split=split)
        np.testing.assert_array_equal(found.images, part)
        assert found.labels.tolist() == [number % 2 for number in range(len(part))]
    with pytest.raises(NevoaError, match="Split 'other' needs exactly one, and has 0"):
        load_images(str(tmp_path / "a.npz"), split="other")


def test_labels_in_order_shrink_to_nearly_nothing(tmp_path: Path) -> None:
    """And are no attempt to fill the memory: 70,000 of them in 0.1 % of their size."""
    pixels, labels = np.zeros((70_000, 1, 1), np.uint8), np.repeat(np.arange(10), 7_000)
    np.savez_compressed(tmp_path / "a.npz", images=pixels, labels=labels)
    assert load_images(str(tmp_path / "a.npz"), limit=9).shape == (1, 1, 1)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + (70_000).to_bytes(4, "big") + labels.astype(np.uint8).tobytes()))
    np.testing.assert_array_equal(read_idx(path), labels)


@pytest.mark.parametrize("name", ["label_names", "target_size", "y_train"])
def test_what_is_only_called_like_labels_is_passed_over(name: str, tmp_path: Path) -> None:
    values = np.array(["cat", "dog"]) if name != "y_train" else np.zeros(7)
    np.savez(tmp_path / "a.npz", images=PIXELS, **{name: values}, label_ids=np.arange(7) % 2)  # pyright: ignore[reportArgumentType]
    assert load_images(str(tmp_path / "a.npz")).classes == ("0", "1")


def test_the_usual_name_of_labels_comes_first(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", y=np.zeros(3), y_other=np.zeros(4), images=PIXELS, labels=np.arange(7) % 2)
    assert load_images(str(tmp_path / "a.npz")).classes == ("0", "1")


def test_an_array_with_alpha_is_laid_on_the_background(tmp_path: Path) -> None:
    pixels = np.zeros((2, 4, 4, 4), np.uint8)
    pixels[1, ..., 3] = 255
    np.save(tmp_path / "a.npy", pixels)
    images = load_images(str(tmp_path / "a.npy"), background="#010203")
    assert images.images[:, 0, 0].tolist() == [[1, 2, 3], [0, 0, 0]]


@pytest.mark.parametrize(("background", "colour"), [("#010203", [1, 2, 3]), ("#070707", [7])])
def test_gray_with_alpha_on_a_colour_is_in_colour(tmp_path: Path, background: str, colour: list[int]) -> None:
    pixels = np.zeros((2, 4, 4, 2), np.uint8)
    np.save(tmp_path / "a.npy", pixels)
    (tmp_path / "b").mkdir()
    for number in range(2):
        Image.fromarray(pixels[number]).save(tmp_path / "b" / f"{number}.png")
    for name in ("a.npy", "b"):
        images = load_images(str(tmp_path / name), background=background)
        assert images.images[:, 0, 0].tolist() == [colour, colour]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": PIXELS.astype(np.float32)}, "images must be uint8 .* not float32"),
        ({"x": PIXELS, "z": PIXELS}, r"holds 2 arrays of images \(.*: x, z. Split 'train' needs exactly one"),
        ({"x": PIXELS, "labels": np.zeros(6, np.int64)}, "must be one integer"),
        ({"x": PIXELS, "labels": np.zeros(7)}, "must be one integer"),
        ({"x": PIXELS, "pictures": PIXELS[1:]}, "holds 6 pictures for 7 images: save one for each image"),
        ({"x": PIXELS, "pictures": PIXELS / 255}, r"array 'pictures', holds float64 .*Convert them"),
        ({"x": PIXELS / 255, "pictures": PIXELS}, "npz holds float64 .*Convert them"),
        ({"x": PIXELS, "pictures": PIXELS, "pictures_train": PIXELS}, "one array of pictures for each split"),
        ({"x_train": PIXELS, "x_test": PIXELS, "pictures": PIXELS}, "one array of pictures for each split"),
        ({"x": PIXELS[:0]}, "images must be uint8"),
        ({"x": PIXELS[0]}, "looks like one image"),
    ],
)
def test_arrays_that_are_no_images(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays)  # pyright: ignore[reportArgumentType]
    with pytest.raises(NevoaError, match=message):
        load_images(str(tmp_path / "a.npz"))


@pytest.mark.parametrize("other", [{"num_pictures": np.array(7)}, {"pictures": np.arange(7)}])
def test_what_is_called_pictures_and_is_none_is_left_alone(other: dict[str, np.ndarray], tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=PIXELS, **other)  # pyright: ignore[reportArgumentType]
    assert load_images(str(tmp_path / "a.npz")).pictures is None


def test_an_array_of_objects_runs_nothing(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (pytest.fail, ("it ran",))

    np.save(tmp_path / "a.npy", np.array([Trap()], object), allow_pickle=True)
    np.savez(tmp_path / "b.npz", images=np.array([Trap()], object))
    for name in ("a.npy", "b.npz"):
        with pytest.raises(NevoaError, match="is not an"):
            load_images(str(tmp_path / name))


def test_large_arrays_are_made_small_as_pictures_are(tmp_path: Path) -> None:
    np.save(tmp_path / "X.NPY.npy", np.zeros((2, 2000, 1500), np.uint8))
    (tmp_path / "X.NPY.npy").rename(tmp_path / "X.NPY")
    assert load_images(str(tmp_path / "X.NPY")).shape == (1, 64, 64)


def _header(shape: str) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}"
    return b"\x93NUMPY\x01\x00" + len(text.ljust(117) + "\n").to_bytes(2, "little") + text.ljust(117).encode() + b"\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bytes(300_000_000), "more than 500 times its size"),
        (_header("(1000000, 1000, 1000)") + bytes(100), "is not an .npz file"),
        (_header("(2000, 1000, 1000)") + bytes(100), "is not an .npz file"),
    ],
    ids=["a bomb", "a terabyte", "two gigabytes"],
)
def test_a_member_cannot_fill_the_memory(content: bytes, said: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("images.npy", content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(NevoaError, match=said):
        load_images(tmp_path / "a.npz")
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 100_000_000


@pytest.mark.parametrize(
    ("images", "code"),
    [
        (PIXELS / 255, "np.uint8(255 * images + 0.5)"),
        (np.float32(PIXELS / 127.5 - 1), "np.uint8(127.5 * images + 128)"),
        (PIXELS.astype(np.float64), "np.uint8(images + 0.5)"),
        (PIXELS.astype(np.int64), "np.uint8(images)"),
        (PIXELS[..., 0] > 127, "np.uint8(255 * images)"),
        (PIXELS.transpose(0, 3, 1, 2), "np.uint8(images).transpose(0, 2, 3, 1)"),
        (PIXELS.transpose(0, 3, 1, 2) / 255, "np.uint8(255 * images + 0.5).transpose(0, 2, 3, 1)"),
    ],
)
def test_the_error_for_another_type_is_code_that_converts_it(images: np.ndarray, code: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", images)
    np.savez(tmp_path / "a.npz", images=images)
    given = [str(tmp_path / "a.npy"), str(tmp_path / "a.npz"), images, torch.from_numpy(images.copy())]
    for source in given:
        with pytest.raises(NevoaError) as error:
            load_images(source)
        assert str(error.value).endswith(f"Convert them: images = {code}.")
        if isinstance(source, str):
            continue
        converted = eval(code, {"np": np, "images": source})
        expected = 255 * (PIXELS[..., :1] > 127) if images.ndim == 3 else PIXELS
        np.testing.assert_array_equal(load_images(converted).images, expected)


def test_values_of_no_usual_range_are_named() -> None:
    with pytest.raises(NevoaError, match=r"Its values are -3 to 900: scale them to 0…255"):
        load_images(np.array([-3.0, 900.0] * 50).reshape(1, 10, 10))


def test_no_error_advises_to_load_pickled_objects(tmp_path: Path) -> None:
    (tmp_path / "garbage.npy").write_bytes(b"\x80\x04garbage")
    (tmp_path / "empty.npy").touch()
    objects = np.array([1, "a", None], dtype=object)
    np.save(tmp_path / "objects.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "objects.npz", images=objects)
    for name in ("garbage.npy", "empty.npy", "objects.npy", "objects.npz"):
        with pytest.raises(NevoaError, match=r"does not begin like one|holds Python objects, which") as error:
            load_images(str(tmp_path / name))
        assert "pickle" not in str(error.value)
