"""idx files."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from nevoa.data import (
    load_images,
)
from nevoa.data.sources import idx
from nevoa.errors import NevoaError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip", "Cannot read"),
        (gzip.compress(b"\x00\x00\x08\x01\x00\x00\x00\x05abc"), "holds 3 values, but its header says 5"),
        (gzip.compress(b"\x00\x00\x0d\x01\x00\x00\x00\x05abc"), "not an idx file"),
        (gzip.compress(b"\x00\x00\x08\x03\x00"), "not an idx file"),
    ],
    ids=["no gzip", "too short", "fractions", "no header"],
)
def test_a_broken_idx_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(NevoaError, match=message):
        idx.read_idx(path)


PIXELS = np.random.default_rng(0).integers(0, 256, (7, 5, 6, 3), dtype=np.uint8)


def idx_bytes(array: np.ndarray) -> bytes:
    return b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.mark.parametrize("zipped", ["images", "labels"])
def test_idx_files_as_they_are_unpacked_by_hand(zipped: str, tmp_path: Path) -> None:
    """As EMNIST and Kaggle have them: other names, one of them gzipped, each in a folder of its own name as well."""
    for kind, array in {"images": PIXELS[..., 0], "labels": np.arange(1, 8, dtype=np.uint8)}.items():
        name = f"emnist-letters-train-{kind}.idx{array.ndim}-ubyte"
        packed = gzip.compress(idx_bytes(array)) if kind == zipped else idx_bytes(array)
        (tmp_path / (f"{name}.gz" if kind == zipped else name)).write_bytes(packed)
        (tmp_path / name.replace(".idx", "-idx")).mkdir()
    images = load_images(str(tmp_path))
    np.testing.assert_array_equal(images.images[..., 0], PIXELS[..., 0])
    assert images.classes == tuple("1234567")


def test_of_several_idx_files_one_has_to_be_named(tmp_path: Path) -> None:
    for name in ("digits", "letters"):
        (tmp_path / f"emnist-{name}-train-images-idx3-ubyte").write_bytes(idx_bytes(PIXELS[..., 0]))
    with pytest.raises(NevoaError, match=r"several idx files of images, such as emnist-digits-.* and emnist-letters"):
        load_images(str(tmp_path))
    assert len(load_images(str(tmp_path / "emnist-letters-train-images-idx3-ubyte"))) == 7


def test_idx_files_with_their_labels(tmp_path: Path) -> None:
    gray = PIXELS[..., 0]
    for prefix, count in (("train", 5), ("t10k", 2)):
        labels = np.arange(count, dtype=np.uint8)
        (tmp_path / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(gray[:count])))
        (tmp_path / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    (tmp_path / "plain-images-idx3-ubyte").write_bytes(idx_bytes(gray))
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
