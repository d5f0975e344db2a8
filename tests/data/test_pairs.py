"""Pairs of an image and its picture: of two folders, a table, a Parquet file or arrays, always the same two."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nevoa.data import Batches, ImageSet, as_image_set, load_images, pixels_of
from nevoa.data import prepare as preparing
from nevoa.data.load import loading
from nevoa.errors import NevoaError
from tests.data.pictures import encoded, photo, written
from tests.data.test_objects import Items

SIZE = HEIGHT, WIDTH = 12, 16


def image(number: int) -> Image.Image:
    return photo(number, (WIDTH, HEIGHT))


def picture(number: int) -> Image.Image:
    """Gray, of twice the size of its image."""
    return photo(100 + number, (2 * WIDTH, 2 * HEIGHT), "L")


def pairs(numbers: Sequence[int], above: str = "") -> dict[str, bytes | str]:
    """Files of two folders."""
    images: dict[str, bytes | str] = {f"{above}image/{n}.png": encoded(image(n), "PNG") for n in numbers}
    return images | {f"{above}condition/{number}.tif": encoded(picture(number), "TIFF") for number in numbers}


def check(images: ImageSet, numbers: Sequence[int]) -> None:
    """That a set has the images of these numbers, each with its picture."""
    assert (images.classes, images.pictures is not None) == ((), True)
    assert images.pictures is not None
    assert images.pictures.shape == (len(numbers), *SIZE, 1)
    for pixels, beside, number in zip(images.images, images.pictures, numbers, strict=True):
        np.testing.assert_array_equal(pixels, pixels_of(image(number)))
        small = picture(number).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(beside, pixels_of(small))


@pytest.mark.parametrize("above", ["", "all/"])
def test_two_folders_are_pairs_by_the_names_of_their_files(tmp_path: Path, above: str) -> None:
    images = written(tmp_path, pairs([3, 1, 2], above) | {f"{above}image/2.txt": "a caption"})
    check(images, [1, 2, 3])
    assert (images.captions, images.notes.bad) == (((), ("a caption",), ()), ())


def test_pairs_have_splits(tmp_path: Path) -> None:
    check(written(tmp_path, pairs([1, 2], "train/") | pairs([5], "test/")), [1, 2])
    check(load_images(str(tmp_path), split="test"), [5])


def test_the_two_folders_are_classes_where_they_are_named_or_are_not_alone(tmp_path: Path) -> None:
    written(tmp_path, pairs([1, 2]))
    named = load_images(str(tmp_path), only=("image", "condition"))
    assert (named.classes, len(named), named.pictures) == (("image", "condition"), 4, None)
    more = written(tmp_path, {"other/1.png": encoded(image(1), "PNG")})
    assert (more.classes, len(more), more.pictures) == (("condition", "image", "other"), 5, None)


def test_some_of_the_pairs_are_pairs(tmp_path: Path) -> None:
    written(tmp_path, pairs(range(9)))
    some = load_images(str(tmp_path), limit=4, holdout=2)
    rest = load_images(str(tmp_path), split="held-out", holdout=2)
    for images, count in ((some, 4), (rest, 2), (some.take(np.array([2, 0])), 2)):
        numbers = [next(n for n in range(9) if (pixels_of(image(n)) == one).all()) for one in images.images]
        assert len(set(numbers)) == count
        check(images, numbers)


def test_a_pair_that_is_not_whole_is_left_out_and_says_why(tmp_path: Path) -> None:
    files = pairs(range(6))
    del files["condition/1.tif"], files["image/2.png"]
    files |= {"condition/3.tif": b"x", "condition/4.tif": encoded(photo(0, (16, 16), "L"), "TIFF")}
    images = written(tmp_path, files)
    check(images, [0, 5])
    assert [(bad.name, bad.reason) for bad in images.notes.bad] == [
        ("image/1.png", "the folder condition has no file of its name"),
        ("condition/2.tif", "the folder image has no file of its name"),
        ("image/3.png", "its picture condition/3.tif: it is not an image of a known format"),
        ("image/4.png", "its picture condition/4.tif: the two have different proportions, 12x16 and 16x16"),
    ]
    with pytest.raises(NevoaError, match=r"Cannot use 4 of the files .*; the first is image/1\.png: the folder cond"):
        load_images(str(tmp_path), strict=True)


def test_folders_without_a_pair_are_a_sentence(tmp_path: Path) -> None:
    files = {"image/a.png": encoded(image(0), "PNG"), "condition/b.png": encoded(image(0), "PNG")}
    with pytest.raises(NevoaError, match=r"no images in .*image/a\.png: the folder condition has no file of its name"):
        written(tmp_path, files)


def test_a_picture_is_cropped_and_padded_as_its_image_is(tmp_path: Path) -> None:
    wide = [photo(number, (32, 16)) for number in range(2)]
    files = {f"{name}/{n}.png": encoded(one, "PNG") for name in ("image", "condition") for n, one in enumerate(wide)}
    written(tmp_path, files)
    for fit in ("crop", "pad"):
        images = load_images(str(tmp_path), size=8, fit=fit)
        assert images.pictures is not None
        np.testing.assert_array_equal(images.images, images.pictures)


def test_a_picture_is_mirrored_with_its_image(tmp_path: Path) -> None:
    images = written(tmp_path, pairs(range(4)))
    plain, seen = (Batches(images, 0, augment).take(0, 40) for augment in ({}, {"flip": 0.5}))
    assert plain.pictures is not None and seen.pictures is not None
    turned = [not np.array_equal(one, other) for one, other in zip(plain.images, seen.images, strict=True)]
    assert any(turned) and not all(turned)
    expected = [one[:, ::-1] if turn else one for one, turn in zip(plain.pictures, turned, strict=True)]
    np.testing.assert_array_equal(seen.pictures, expected)


def test_pictures_are_memory_mapped_and_a_preparation_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "PART_BYTES", 3 * 4 * SIZE[0] * SIZE[1])  # three pairs a part
    files = pairs(range(10)) | {"condition/4.tif": b"x"}
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for _ in islice(loading(str(tmp_path)), 7):
        pass
    images = load_images(str(tmp_path))
    check(images, [0, 1, 2, 3, 5, 6, 7, 8, 9])
    assert isinstance(images.pictures, np.memmap) and isinstance(images.images, np.memmap)
    assert not np.shares_memory(images.images[:1], images.pictures)
    again = as_image_set(images.images, pictures=images.pictures)
    assert (again.fingerprint, images.fingerprint) == (images.fingerprint, load_images(str(tmp_path)).fingerprint)
    assert again.fingerprint != as_image_set(images.images, pictures=255 - images.pictures).fingerprint
    assert again.fingerprint != as_image_set(images.images).fingerprint


def test_a_table_names_the_picture_of_each_image(tmp_path: Path) -> None:
    files = {f"{number}.png": encoded(image(number), "PNG") for number in range(5)}
    files |= {f"lines/{number}.png": encoded(picture(number), "PNG") for number in range(3)}
    table = "file_name,conditioning_image\n0.png,lines/0.png\n1.png,lines/1.png\n2.png,lines/2.png\n3.png,gone.png\n"
    images = written(tmp_path, {"metadata.csv": table, **files})
    check(images, [0, 1, 2])
    assert [(bad.name, bad.reason) for bad in images.notes.bad] == [
        ("3.png", "there is no image gone.png, its picture"),
        ("4.png", "no metadata table names its picture"),
    ]
    assert not images.notes.ignored


def test_a_table_with_classes_captions_and_pictures(tmp_path: Path) -> None:
    rows = [
        '{"file_name": "0.png", "conditioning_image": "a/0.png", "label": "x", "text": "a cat"}',
        '{"file_name": "1.png", "conditioning_image": "a/1.png", "label": "y"}',
    ]
    files = {f"{n}.png": encoded(image(n), "PNG") for n in (0, 1)}
    files |= {f"a/{n}.png": encoded(picture(n), "PNG") for n in (0, 1)}
    images = written(tmp_path, {"metadata.jsonl": "\n".join(rows), **files})
    assert (images.classes, images.captions) == (("x", "y"), (("a cat",), ()))
    assert images.pictures is not None
    assert len(images.notes.bad) == 0


@pytest.mark.slow
def test_a_parquet_file_has_a_column_of_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    features = datasets.Features({"conditioning_image": datasets.Image(), "image": datasets.Image()})
    cells = {
        "conditioning_image": [{"bytes": encoded(picture(n), "PNG"), "path": None} for n in range(3)],
        "image": [{"bytes": encoded(image(n), "PNG"), "path": None} for n in range(3)],
    }
    datasets.Dataset.from_dict(cells, features=features).to_parquet(tmp_path / "some.parquet")
    check(load_images(str(tmp_path / "some.parquet")), range(3))


def test_an_npz_file_has_an_array_of_pictures(tmp_path: Path) -> None:
    """One for each split, too; they may be larger than the images."""
    images, pictures = (np.stack([pixels_of(make(n)) for n in range(5)]) for make in (image, picture))
    np.savez(tmp_path / "one.npz", images=images, pictures=pictures[..., 0])
    check(load_images(str(tmp_path / "one.npz")), range(5))
    parts = {"x_train": images[:3], "pictures_train": pictures[:3], "x_test": images[3:], "pictures_test": pictures[3:]}
    np.savez(tmp_path / "two.npz", **parts)  # pyright: ignore[reportArgumentType]
    check(load_images(str(tmp_path / "two.npz")), range(3))
    check(load_images(str(tmp_path / "two.npz"), split="test"), [3, 4])
    np.savez(tmp_path / "alone.npz", pictures=images)
    assert load_images(str(tmp_path / "alone.npz")).pictures is None


PIXELS = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
LINES = np.random.default_rng(1).integers(0, 256, (3, 8, 8), dtype=np.uint8)


def test_arrays_have_pictures() -> None:
    given: list[Any] = [{"pictures": LINES}, {"pictures": LINES[..., None]}, {"pictures": torch.from_numpy(LINES)}]
    sets = [as_image_set(PIXELS, **one) for one in given]
    items = [{"image": pixels, "conditioning_image": lines} for pixels, lines in zip(PIXELS, LINES, strict=True)]
    for images in (*sets, as_image_set(Items(*items))):
        assert images.pictures is not None
        np.testing.assert_array_equal(images.pictures[..., 0], LINES)
    assert len({images.fingerprint for images in sets}) == 1


@pytest.mark.parametrize(
    ("source", "given", "said"),
    [
        (PIXELS, LINES[:2], r"pictures must be gray or RGB, one for each image, \[3, 8, 8\], not \[2, 8, 8, 1\]"),
        (PIXELS, LINES[:, :4], r"not \[3, 4, 8, 1\]: resize them first"),
        (PIXELS, LINES / 255, "pictures holds float64"),
        (as_image_set(PIXELS), LINES, "An ImageSet has its own labels, classes, captions, numbers and pictures"),
        (Items({"image": PIXELS[0], "conditioning_image": LINES[0]}), LINES[:1], "have pictures of their own: leave"),
        (
            Items({"image": PIXELS[0], "conditioning_image": LINES[0]}, {"image": PIXELS[0]}),
            None,
            "Only 1 of the 2 items of the Dataset have a conditioning_image: give one to all or to none",
        ),
    ],
)
def test_pictures_that_do_not_suit_the_images_are_a_sentence(source: Any, given: Any, said: str) -> None:
    with pytest.raises(NevoaError, match=said):
        as_image_set(source, pictures=given)
