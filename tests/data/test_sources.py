"""Arrays, idx files, digits, shapes: what needs no decoding, and what a user may name."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.config import DataConfig
from nevoa.data import CATALOG, flips, load_images, load_test_images, read_unchanged, short_name
from nevoa.data.sources.idx import read_idx
from nevoa.errors import NevoaError
from nevoa.presets import configure
from tests.data.pictures import encoded, photo

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 5, 6, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path_factory.mktemp("cache")))


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
        ({"x": PIXELS.astype(np.float32)}, "holds 0 arrays of images"),
        ({"x": PIXELS, "z": PIXELS}, r"holds 2 arrays of images \(.*: x, z. Split 'train' needs exactly one"),
        ({"x": PIXELS, "labels": np.zeros(6, np.int64)}, "must be one integer"),
        ({"x": PIXELS, "labels": np.zeros(7)}, "must be one integer"),
        ({"x": PIXELS[:0]}, "images are uint8"),
        ({"x": PIXELS[0]}, "looks like one image"),
    ],
)
def test_arrays_that_are_no_images(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays)  # pyright: ignore[reportArgumentType]
    with pytest.raises(NevoaError, match=message):
        load_images(str(tmp_path / "a.npz"))


def test_an_array_of_objects_runs_nothing(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (pytest.fail, ("it ran",))

    np.save(tmp_path / "a.npy", np.array([Trap()], object), allow_pickle=True)
    np.savez(tmp_path / "b.npz", images=np.array([Trap()], object))
    for name in ("a.npy", "b.npz"):
        with pytest.raises(NevoaError, match="is not an"):
            load_images(str(tmp_path / name))


def idx(array: np.ndarray) -> bytes:
    return b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.mark.parametrize("zipped", ["images", "labels"])
def test_idx_files_as_they_are_unpacked_by_hand(zipped: str, tmp_path: Path) -> None:
    """As EMNIST and Kaggle have them: other names, one of them gzipped, each in a folder of its own name as well."""
    for kind, array in {"images": PIXELS[..., 0], "labels": np.arange(1, 8, dtype=np.uint8)}.items():
        name = f"emnist-letters-train-{kind}.idx{array.ndim}-ubyte"
        packed = gzip.compress(idx(array)) if kind == zipped else idx(array)
        (tmp_path / (f"{name}.gz" if kind == zipped else name)).write_bytes(packed)
        (tmp_path / name.replace(".idx", "-idx")).mkdir()
    images = load_images(str(tmp_path))
    np.testing.assert_array_equal(images.images[..., 0], PIXELS[..., 0])
    assert images.classes == tuple("1234567")


def test_of_several_idx_files_one_has_to_be_named(tmp_path: Path) -> None:
    for name in ("digits", "letters"):
        (tmp_path / f"emnist-{name}-train-images-idx3-ubyte").write_bytes(idx(PIXELS[..., 0]))
    with pytest.raises(NevoaError, match=r"several idx files of images, such as emnist-digits-.* and emnist-letters"):
        load_images(str(tmp_path))
    assert len(load_images(str(tmp_path / "emnist-letters-train-images-idx3-ubyte"))) == 7


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
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(idx(PIXELS[..., 0]))
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(idx(np.array(labels, np.uint8)))
    data = DataConfig(source=str(tmp_path))
    test = load_test_images(data, load_images(data))
    assert test.classes == ("0", "1", "2", "3")
    assert test.labels.tolist() == [3, 0, 3, 0, 3, 0, 3]


def test_idx_files_with_their_labels(tmp_path: Path) -> None:
    gray = PIXELS[..., 0]
    for prefix, count in (("train", 5), ("t10k", 2)):
        (tmp_path / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(gray[:count])))
        (tmp_path / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(count, dtype=np.uint8))))
    (tmp_path / "plain-images-idx3-ubyte").write_bytes(idx(gray))
    np.testing.assert_array_equal(load_images(str(tmp_path)).images[..., 0], gray[:5])
    assert load_images(str(tmp_path)).labels.tolist() == [0, 1, 2, 3, 4]
    assert len(load_images(str(tmp_path), split="test")) == 2
    assert load_images(str(tmp_path / "plain-images-idx3-ubyte")).classes == ()


def test_labels_that_come_later_are_seen(tmp_path: Path) -> None:
    head = b"\0\0\x08\x03" + np.array([7, 5, 6], ">u4").tobytes()
    (tmp_path / "train-images-idx3-ubyte").write_bytes(head + PIXELS[..., 0].tobytes())
    assert load_images(str(tmp_path)).classes == ()
    labels = b"\0\0\x08\x01" + np.array([7], ">u4").tobytes() + bytes([1, 2] * 3 + [1])
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels)
    images = load_images(str(tmp_path))
    assert images.labels.tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert images.classes == ("1", "2")  # no class 0 that nothing is known of


def test_large_arrays_are_made_small_as_pictures_are(tmp_path: Path) -> None:
    np.save(tmp_path / "X.NPY.npy", np.zeros((2, 2000, 1500), np.uint8))
    (tmp_path / "X.NPY.npy").rename(tmp_path / "X.NPY")
    assert load_images(str(tmp_path / "X.NPY")).shape == (1, 64, 64)


def test_a_folder_that_is_called_like_a_data_set_is_measured_itself(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shapes").mkdir()
    Path("shapes/a.png").write_bytes(encoded(photo(), "PNG"))
    assert read_unchanged(Path("shapes")).shape == (1, 30, 40, 3)


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    found, train, test = load_digits(), load_images("digits"), load_images("digits", split="test")
    assert (len(train), len(test)) == (1497, 300)
    both = np.concatenate([train.images, test.images])[..., 0]
    np.testing.assert_array_equal(np.round(both / 15.9375), found.images)  # pyright: ignore[reportAttributeAccessIssue]
    assert train.labels.tolist() + test.labels.tolist() == found.target.tolist()  # pyright: ignore[reportAttributeAccessIssue]


def test_shapes_of_any_size_can_be_told_apart() -> None:
    """Each is there, of one colour on another; a shape fills the share of its box that geometry says."""
    images = load_images("shapes", size=(64, 64), limit=1000)
    filled = np.zeros(5)
    for image, label in zip(images.images.astype(int), images.labels, strict=True):
        inside = np.abs(image - image[0, 0]).sum(2) > 60
        assert inside.any()
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        box = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        filled[label] += box.mean() / (images.labels == label).sum()
    circle, square, triangle, star, ring = filled
    assert circle == pytest.approx(np.pi / 4, abs=0.03)
    assert ring < circle < 1
    assert star < triangle < square
    assert load_images("shapes", size=(20, 50), limit=3).shape == (3, 20, 50)


def test_shapes_for_testing_are_others() -> None:
    train, test = (load_images("shapes", split=split, limit=200) for split in ("train", "test"))
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in test.images}


def test_text_is_not_mirrored_and_objects_are(tmp_path: Path) -> None:
    assert [flips(name) for name in ("mnist", "digits", "svhn", "quickdraw", "fashion_mnist_10k")] == [False] * 5
    assert [flips(name) for name in ("hf:ylecun/mnist", "hf:uoft-cs/cifar10", "hf:a/b")] == [False, True, True]
    assert [configure(name, "classic").data.flip for name in ("fashion_mnist", "mnist")] == [True, None]
    assert [flips(name) for name in ("cifar10", "shapes", "cat_and_dog", str(tmp_path))] == [True] * 4


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shapes", "shapes"),
        ("/a/my cats.tar.gz", "my cats"),
        ("hf:a/b:c@refs/convert/parquet", "b"),
        ("photos/", "photos"),
    ],
)
def test_short_names(text: str, name: str) -> None:
    assert short_name(text) == name


@pytest.mark.parametrize("name", CATALOG)
def test_the_catalogue_is_whole(name: str) -> None:
    row = CATALOG[name]
    assert "train" in row.counts
    assert row.where and row.licence
    assert not row.classes or len(row.classes) == row.class_count


def test_images_to_be_measured_are_not_changed(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encoded(photo(number), "PNG"))
    np.testing.assert_array_equal(
        read_unchanged(tmp_path, 2), np.stack([np.asarray(photo(number)) for number in range(2)])
    )
    (tmp_path / "3.png").write_bytes(encoded(photo(3, (9, 9)), "PNG"))
    with pytest.raises(NevoaError, match=r"differ: 0.png is 30x40"):
        read_unchanged(tmp_path)
    (tmp_path / "3.png").write_bytes(b"bad")
    with pytest.raises(NevoaError, match=r"3.png: it is not an image"):
        read_unchanged(tmp_path)
